"""The metrics: against independent implementations, and on cases whose answers are known."""

import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
import scipy.spatial
import scipy.stats

from evaluation import metrics


@pytest.fixture
def sets():
    rng = np.random.default_rng(0)
    mix = rng.standard_normal((20, 20))
    return rng.standard_normal((1300, 20)) @ mix, 0.7 * rng.standard_normal((1200, 20)) @ mix + 0.5


def test_frechet_distance_agrees_with_scipy(sets):
    (mean_a, cov_a), (mean_b, cov_b) = ((x.mean(axis=0), np.cov(x.T)) for x in sets)
    root = scipy.linalg.sqrtm(cov_a @ cov_b).real
    expected = ((mean_a - mean_b) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root)
    assert metrics.frechet_distance(*map(metrics.moments, sets)) == pytest.approx(expected, rel=1e-6)


def test_frechet_distance_of_known_gaussians():
    identity = np.eye(3)
    assert metrics.frechet_distance((np.zeros(3), identity), (np.ones(3), identity)) == pytest.approx(3)
    assert metrics.frechet_distance((np.zeros(3), identity), (np.zeros(3), 4 * identity)) == pytest.approx(3)
    flat = np.diag([1.0, 0.0, 0.0])  # fewer dimensions than features
    assert metrics.frechet_distance((np.zeros(3), flat), (np.zeros(3), flat)) == pytest.approx(0, abs=1e-9)


def test_frechet_spread_is_that_of_new_samples():
    rng = np.random.default_rng(0)
    real = metrics.moments(rng.standard_normal((5000, 5)))

    def sample():
        return 1.5 * rng.standard_normal((1000, 5))

    distances = [metrics.frechet_distance(real, metrics.moments(sample())) for _ in range(200)]
    assert metrics.frechet_spread(real, sample(), resamples=200) == pytest.approx(np.std(distances), rel=0.3)


def test_frechet_spread_of_fixed_shares_is_that_within_them():
    """Here, two classes far apart: if their shares were equal only on average, the distance would vary much more."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 500)

    def sample():
        return rng.standard_normal((1000, 5)) + 5 * labels[:, None]

    real = metrics.moments(np.concatenate([sample() for _ in range(5)]) + 0.5)
    distances = [metrics.frechet_distance(real, metrics.moments(sample())) for _ in range(200)]
    assert metrics.frechet_spread(real, sample(), labels, 200) == pytest.approx(np.std(distances), rel=0.3)
    assert metrics.frechet_spread(real, sample(), None, 200) > 2 * np.std(distances)


def test_kernel_distance_agrees_with_the_definition(sets):
    a, b = sets[0][:60], sets[1][:50]

    def k(x, y):
        return (x @ y / 20 + 1) ** 3

    within = [
        sum(k(x, y) for i, x in enumerate(s) for j, y in enumerate(s) if i != j) / (len(s) * (len(s) - 1))
        for s in (a, b)
    ]
    between = sum(k(x, y) for x in a for y in b) / (len(a) * len(b))
    assert metrics.kernel_distance(a, b)[0] == pytest.approx(sum(within) - 2 * between, rel=1e-6)


def test_kernel_distance_is_unbiased():
    rng = np.random.default_rng(0)
    values = [metrics.kernel_distance(*rng.standard_normal((2, 50, 4)))[0] for _ in range(200)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)


def test_kernel_distance_is_unbiased_in_fixed_shares():
    """Here, two classes far apart, of which the real ones have the same shares only on average."""
    rng, labels = np.random.default_rng(0), np.repeat([0, 1], [10, 30])

    def sample(labels):
        return rng.standard_normal((len(labels), 4)) + 3 * labels[:, None]

    def pairs():
        return [(sample((rng.random(40) < 0.75).astype(int)), sample(labels)) for _ in range(400)]

    values, errors = zip(*(metrics.kernel_distance(*pair, labels) for pair in pairs()), strict=True)
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(400)
    assert 1 < np.mean(errors) / np.std(values) < 1.7
    values = [metrics.kernel_distance(*pair)[0] for pair in pairs()]
    assert np.mean(values) < -3 * np.std(values) / np.sqrt(400)


@pytest.mark.parametrize(("shift", "ratio"), [(0.5, 1.0), (0.0, 1.41)])
def test_error_of_the_kernel_distance_is_that_of_new_samples(shift, ratio):
    """If both are samples of the same distribution, the jackknife counts twice what is left of the variance."""
    rng = np.random.default_rng(0)
    samples = ((rng.standard_normal((300, 4)), shift + rng.standard_normal((300, 4))) for _ in range(200))
    distances, errors = zip(*(metrics.kernel_distance(*pair) for pair in samples), strict=True)
    assert np.mean(errors) / np.std(distances) == pytest.approx(ratio, rel=0.2)


def test_classifier_score_agrees_with_scipy_and_known_answers():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(10), 500)
    entropy = [scipy.stats.entropy(p, probabilities.mean(axis=0)) for p in probabilities]
    assert metrics.classifier_score(probabilities) == pytest.approx(np.exp(np.mean(entropy)), rel=1e-6)
    assert metrics.classifier_score(np.tile(np.eye(10), (5, 1))) == pytest.approx(10)  # sure, and all classes
    assert metrics.classifier_score(np.full((50, 10), 0.1)) == pytest.approx(1)  # never sure
    assert metrics.classifier_score(np.tile(np.eye(10)[:1], (50, 1))) == pytest.approx(1)  # one class


def test_class_balance_agrees_with_scipy():
    counts, reference = np.array([3, 5, 0, 2]), np.array([30, 40, 10, 20])
    expected = scipy.stats.entropy(counts, reference)
    assert metrics.class_balance(counts, reference) == pytest.approx(expected, rel=1e-6)
    assert metrics.class_balance(reference * 2, reference) == pytest.approx(0)


def test_neighbour_scores_agree_with_the_definitions(sets):
    real, fake = sets
    distance = scipy.spatial.distance.cdist
    real_distances, fake_distances, between = distance(real, real), distance(fake, fake), distance(real, fake)

    def radius(distances, k):
        return np.sort(distances, axis=1)[:, k]

    expected = {
        "precision": (between < radius(real_distances, 3)[:, None]).any(axis=0).mean(),
        "recall": (between < radius(fake_distances, 3)).any(axis=1).mean(),
        "density": (between < radius(real_distances, 5)[:, None]).sum(axis=0).mean() / 5,
        "coverage": (between.min(axis=1) < radius(real_distances, 5)).mean(),
    }
    assert metrics.neighbour_scores(real, fake) == pytest.approx(expected, rel=1e-6)
    assert 0 < expected["recall"] < expected["precision"]


def test_neighbour_scores_of_identical_and_disjoint_sets(sets):
    same = metrics.neighbour_scores(sets[0], sets[0])
    assert same["precision"] == same["recall"] == same["coverage"] == 1 and same["density"] == pytest.approx(1, abs=0.1)
    apart = metrics.neighbour_scores(sets[0], sets[0] + 1000)
    assert set(apart.values()) == {0}


def test_density_and_coverage_heed_no_outlier():
    """The worked case of Naeem et al.: one real outlier spans a ball that holds the fakes; precision is taken in."""
    rng = np.random.default_rng(0)
    real = np.concatenate([rng.standard_normal((500, 5)), np.full((1, 5), 30.0)])
    fake = rng.standard_normal((500, 5)) + 15
    scores = metrics.neighbour_scores(real, fake)
    assert scores["precision"] > 0.9
    assert scores["density"] < 0.25 and scores["coverage"] < 0.01


def test_nearest_and_share_nearer(sets):
    real, fake = sets
    between = scipy.spatial.distance.cdist(fake, real)
    distance, index = metrics.nearest(fake, real)
    np.testing.assert_allclose(distance, between.min(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(index, between.argmin(axis=1))
    a, b = np.random.default_rng(0).integers(0, 20, (2, 300))  # with ties
    expected = scipy.stats.mannwhitneyu(b, a).statistic / 300**2
    assert metrics.share_nearer(a, b) == pytest.approx(expected, rel=1e-6)
    assert metrics.share_nearer(np.zeros(5), np.ones(9)) == 1
