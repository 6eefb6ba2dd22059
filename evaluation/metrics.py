"""Distances between two sets of images, as functions of their features; numpy only, memory bounded by BLOCK rows.

Features are float (N, D), distances Euclidean. "real" is the reference, "fake" what is being judged.
"""

import numpy as np

BLOCK = 500


def moments(features):
    """Mean (D,) and covariance (D, D), float64: all that the Fréchet distance needs of a set."""
    features = features.astype("float64")
    return features.mean(axis=0), np.cov(features, rowvar=False)


def frechet_distance(real, fake):
    """Fréchet distance between the Gaussians with these `moments` (Heusel et al., 2017); 0 for equal ones."""
    (real_mean, real_cov), (fake_mean, fake_cov) = real, fake
    # trace((A B)^(1/2)) = the sum of the roots of the eigenvalues of the symmetric A^(1/2) B A^(1/2)
    values, vectors = np.linalg.eigh(real_cov)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    trace = np.sqrt(np.linalg.eigvalsh(root @ fake_cov @ root).clip(0)).sum()
    return float(((real_mean - fake_mean) ** 2).sum() + np.trace(real_cov) + np.trace(fake_cov) - 2 * trace)


def frechet_spread(real, fake_features, labels=None, resamples=50, seed=0):
    """Standard error of the Fréchet distance, from bootstrap resamples of the fakes.

    Up to twice too large near 0, where the bootstrap adds its own noise. It accounts neither for few fakes looking
    farther away than many, nor for the choice of the real images.

    Args:
        labels: int (N,), to resample within, if the fakes were drawn in fixed shares of these.
    """
    rng = np.random.default_rng(seed)
    groups = strata(len(fake_features), labels)

    def resample():
        return np.concatenate([group[rng.integers(len(group), size=len(group))] for group in groups])

    draws = (fake_features[resample()] for _ in range(resamples))
    return float(np.std([frechet_distance(real, moments(draw)) for draw in draws], ddof=1))


def strata(count, labels=None):
    """The indices of each label's rows among `count`, a list of int arrays; without labels all in one."""
    labels = np.zeros(count) if labels is None else labels
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def kernel_distance(real, fake, labels=None):
    """Squared maximum mean discrepancy with the kernel (x.y / D + 1)^3, unbiased (Bińkowski et al., 2018).

    About 0 for two samples of the same distribution, however small, and then negative half of the time.

    Args:
        labels: int (N,), if the fakes were drawn in fixed shares of these. Two of them then share a label a little less
            often than two that were drawn at random; pairs that do are given that much more weight.

    Returns:
        the distance, and its standard error, by the jackknife of U-statistics (Arvesen, 1969), within labels: 1.4 times
        too large if both are samples of the same distribution, right if they are far apart.
    """
    real, fake = real.astype("float64"), fake.astype("float64")

    def sums(a, b):  # (N,), (M,): sums of the kernel of each row of a with all of b, of each row of b with all of a
        rows, columns = [], 0
        for start in range(0, len(a), BLOCK):
            kernel = ((a[start : start + BLOCK] @ b.T) / a.shape[1] + 1) ** 3
            rows.append(kernel.sum(axis=1))
            columns = columns + kernel.sum(axis=0)
        return np.concatenate(rows), columns

    def to_others(own, groups):  # (N,): the mean kernel of each row with the others of its set
        itself = ((own * own).sum(axis=1) / own.shape[1] + 1) ** 3
        total, _ = sums(own, own)
        for group in groups:
            alike = sums(own[group], own[group])[0] if len(groups) > 1 else total
            others = (alike - itself[group]) * len(group) / max(1, len(group) - 1)
            total[group] += others - alike
        return total / len(own)

    across_real, across_fake = sums(real, fake)
    groups = strata(len(real)), strata(len(fake), labels)
    # How much nearer each is to the others of its own set than to those of the other.
    parts = to_others(real, groups[0]) - across_real / len(fake), to_others(fake, groups[1]) - across_fake / len(real)
    variances = (
        sum(part[group].var() * len(group) for group in own) / len(part) ** 2
        for part, own in zip(parts, groups, strict=True)
    )
    return float(sum(part.mean() for part in parts)), float(2 * np.sqrt(sum(variances)))


def classifier_score(probabilities):
    """exp(mean KL(p(y|x) || p(y))) of class probabilities (N, K): 1 to K (Salimans et al., 2016, on Inception)."""
    marginal = probabilities.mean(axis=0)
    ratio = np.log(probabilities.clip(1e-12)) - np.log(marginal.clip(1e-12))
    return float(np.exp((probabilities * ratio).sum(axis=1).mean()))


def class_balance(counts, reference_counts):
    """KL divergence, in nats, of class shares from reference shares, both given as counts (K,); 0 if they are equal."""
    p, q = counts / counts.sum(), reference_counts / reference_counts.sum()
    seen = p > 0
    return float((p[seen] * np.log(p[seen] / q[seen].clip(1e-12))).sum())


def distance_blocks(a, b):
    """Yield (rows, distances float (rows, len(b))) for consecutive blocks of rows of `a`."""
    norms = (b * b).sum(axis=1)
    for start in range(0, len(a), BLOCK):
        block = a[start : start + BLOCK]
        squared = (block * block).sum(axis=1)[:, None] + norms - 2 * block @ b.T
        yield slice(start, start + len(block)), np.sqrt(squared.clip(0))


def nearest(a, b):
    """Distance (N,) and index (N,) of the nearest row of `b` for each row of `a`."""
    distance, index = np.empty(len(a)), np.empty(len(a), int)
    for rows, distances in distance_blocks(a, b):
        index[rows] = distances.argmin(axis=1)
        distance[rows] = distances.min(axis=1)
    return distance, index


def neighbour_radii(features, ks):
    """Distance of each row to its k-th nearest other row, float (len(ks), N)."""
    radii = np.empty((len(ks), len(features)))
    for rows, distances in distance_blocks(features, features):
        distances[np.arange(len(distances)), np.arange(rows.start, rows.stop)] = 0.0  # itself: exactly the nearest
        radii[:, rows] = np.partition(distances, ks, axis=1)[:, ks].T
    return radii


def neighbour_scores(real, fake, k_precision=3, k_density=5):
    """Precision and recall (Kynkäänniemi et al., 2019), density and coverage (Naeem et al., 2020).

    A set's manifold is the union of balls around its points, each reaching the point's k-th neighbour in the set.

    Returns:
        dict: precision, the share of fakes within the real manifold; recall, of reals within the fake manifold;
        density, how many real balls hold a fake, over k; coverage, the share of real balls that hold any fake.
    """
    real, fake = real.astype("float64"), fake.astype("float64")
    real_radii, dense_radii = neighbour_radii(real, [k_precision, k_density])
    (fake_radii,) = neighbour_radii(fake, [k_precision])
    precise, held = np.zeros(len(fake), bool), np.zeros(len(fake), int)
    recalled, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
    for rows, distances in distance_blocks(real, fake):
        precise |= (distances < real_radii[rows, None]).any(axis=0)
        within = distances < dense_radii[rows, None]
        held += within.sum(axis=0)
        covered[rows] = within.any(axis=1)
        recalled[rows] = (distances < fake_radii).any(axis=1)
    return {
        "precision": float(precise.mean()),
        "recall": float(recalled.mean()),
        "density": float(held.mean() / k_density),
        "coverage": float(covered.mean()),
    }


def share_nearer(fake_distances, real_distances):
    """Probability that a fake lies nearer to its nearest training image than a new real image does, ties counting half.

    The Mann-Whitney statistic of distances float (N,) and (M,), after Meehan et al. (2020), who take it cell by cell:
    0.5 for honest samples, 1 for copies; but also above 0.5 for blurred images or simpler classes, and hardly above it
    for a few copies among many images.
    """
    ordered = np.sort(real_distances)
    above = len(ordered) - np.searchsorted(ordered, fake_distances, side="right")
    ties = len(ordered) - np.searchsorted(ordered, fake_distances, side="left") - above
    return float((above + ties / 2).mean() / len(ordered))
