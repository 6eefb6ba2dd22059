"use strict";
// A neural network in plain JavaScript: runs what page/packing.py makes of a Keras Sequential, one image at a time.
// All numbers of an image lie in a row, the channels of a pixel side by side.

// The numbers of page/packing.py's encode.
function decode({data, scale}) {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  return Float64Array.from({length: bytes.length / 2}, (_, index) => {
    const bits = bytes[2 * index] | (bytes[2 * index + 1] << 8); // a float16: sign, five bits, ten bits
    const exponent = (bits >> 10) & 31, fraction = bits & 1023;
    const size = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
    return (bits >> 15 ? -size : size) * scale;
  });
}

// Repeat some numbers until there are `length` of them.
function tile(numbers, length) {
  return Float64Array.from({length}, (_, index) => numbers[index % numbers.length]);
}

// A matrix (rows, depth) times weights (depth, columns). Zeros in the matrix are skipped: ReLU makes many, and so does
// taking differences. Eight sums at a time stay in registers, so the weights are kept in blocks of eight columns.
class Product {
  constructor(rows, weights, columns) {
    const depth = weights.length / columns;
    Object.assign(this, {rows, depth, columns});
    this.weights = new Float64Array(Math.ceil(columns / 8) * depth * 8);
    for (let row = 0; row < depth; row++) {
      for (let column = 0; column < columns; column++) {
        this.weights[((column >> 3) * depth + row) * 8 + (column & 7)] = weights[row * columns + column];
      }
    }
    // The matrix: where the numbers of a row start; then, of each number, 8 times its column, and the number itself.
    this.starts = new Int32Array(rows + 1);
    this.places = new Int32Array(rows * depth + 1);
    this.values = new Float64Array(rows * depth + 1);
    this.sums = new Float64Array(8 * Math.ceil(columns / 8));
    this.result = new Float64Array(rows * columns);
  }

  // Take the matrix: input less reference, as they lie.
  load(input, reference) {
    const {rows, depth, starts, places, values} = this;
    let count = 0;
    for (let row = 0, from = 0; row < rows; row++) {
      for (let column = 0; column < depth; column++, from++) {
        const value = input[from] - reference[from];
        places[count] = 8 * column;
        values[count] = value;
        count += (value !== 0) | 0; // a zero's place is overwritten: faster than a branch that nobody can predict
      }
      starts[row + 1] = count;
    }
  }

  // A row of the product; good until the next one. (As lean as it is, the inner loop just fits into the registers.)
  row(row) {
    const {weights, places, values, sums} = this, start = this.starts[row], end = this.starts[row + 1];
    const size = 8 * this.depth;
    for (let column = 0, block = 0; column < sums.length; column += 8, block += size) {
      let a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
      for (let index = start; index < end; index++) {
        const value = values[index], at = block + places[index];
        a += value * weights[at];
        b += value * weights[at + 1];
        c += value * weights[at + 2];
        d += value * weights[at + 3];
        e += value * weights[at + 4];
        f += value * weights[at + 5];
        g += value * weights[at + 6];
        h += value * weights[at + 7];
      }
      sums[column] = a;
      sums[column + 1] = b;
      sums[column + 2] = c;
      sums[column + 3] = d;
      sums[column + 4] = e;
      sums[column + 5] = f;
      sums[column + 6] = g;
      sums[column + 7] = h;
    }
    return sums;
  }

  // The whole product, plus `base` (rows, columns).
  run(base) {
    const {rows, columns, result} = this;
    for (let row = 0, to = 0; row < rows; row++) {
      const sums = this.row(row);
      for (let column = 0; column < columns; column++, to++) result[to] = base[to] + sums[column];
    }
    return result;
  }
}

// What layers do: each makes a function of one layer's numbers to the next one's, which it may write over. A layer with
// weights knows its output `base` for one input, its `reference`, and computes only what differs from there.
const OPERATIONS = {
  dense({rows, weights, bias}) {
    const columns = decode(bias), product = new Product(rows, decode(weights), columns.length);
    const reference = new Float64Array(rows * product.depth), base = tile(columns, rows * columns.length);
    const run = (input) => {
      product.load(input, reference);
      return product.run(base);
    };
    return Object.assign(run, {reference, base});
  },

  // A row of the matrix is the window that a pixel of the output sees.
  convolution({large, small: [down, across, filters], kernel, strides, before, weights, bias}) {
    const [height, width, channels] = large;
    const product = new Product(down * across, decode(weights), filters), {starts, places, values} = product;
    const reference = new Float64Array(height * width * channels), base = tile(decode(bias), down * across * filters);
    const run = (input) => {
      let count = 0;
      for (let pixel = 0; pixel < down * across; pixel++) {
        const top = Math.floor(pixel / across) * strides[0] - before[0];
        const left = (pixel % across) * strides[1] - before[1];
        const first = Math.max(left, 0), last = Math.min(left + kernel[1], width);
        for (let y = Math.max(top, 0); y < Math.min(top + kernel[0], height); y++) {
          let place = 8 * ((y - top) * kernel[1] + first - left) * channels;
          for (let from = (y * width + first) * channels; from < (y * width + last) * channels; from++, place += 8) {
            const value = input[from] - reference[from];
            places[count] = place;
            values[count] = value;
            count += (value !== 0) | 0;
          }
        }
        starts[pixel + 1] = count;
      }
      return product.run(base);
    };
    return Object.assign(run, {reference, base});
  },

  // A row of the product is the window that a pixel of the input adds to the output.
  "transposed convolution"({large, small: [down, across, depth], kernel, strides, before, weights, bias}) {
    const [height, width, channels] = large, window = kernel[0] * kernel[1] * channels;
    const product = new Product(down * across, decode(weights), window);
    const reference = new Float64Array(down * across * depth), base = tile(decode(bias), height * width * channels);
    const output = new Float64Array(base.length);
    const run = (input) => {
      product.load(input, reference);
      output.set(base);
      for (let pixel = 0; pixel < down * across; pixel++) {
        const top = Math.floor(pixel / across) * strides[0] - before[0];
        const left = (pixel % across) * strides[1] - before[1];
        const first = Math.max(left, 0), last = Math.min(left + kernel[1], width), sums = product.row(pixel);
        for (let y = Math.max(top, 0); y < Math.min(top + kernel[0], height); y++) {
          let from = ((y - top) * kernel[1] + first - left) * channels;
          for (let to = (y * width + first) * channels; to < (y * width + last) * channels; to++, from++) {
            output[to] += sums[from];
          }
        }
      }
      return output;
    };
    return Object.assign(run, {reference, base});
  },

  "scale and shift"({scale, shift}) {
    const factors = decode(scale), terms = decode(shift);
    return each((value, index) => value * factors[index % factors.length] + terms[index % terms.length]);
  },

  resize({shape: [height, width, channels], size, bilinear}) {
    const output = new Float64Array(height * size[0] * width * size[1] * channels);
    // For each place along an axis of the output: its two neighbours in the input, and the share of the second.
    const neighbours = (length, factor) => Array.from({length: length * factor}, (_, place) => {
      if (!bilinear) return [Math.floor(place / factor), Math.floor(place / factor), 0];
      const centre = Math.min(Math.max((place + 0.5) / factor - 0.5, 0), length - 1), low = Math.floor(centre);
      return [low, Math.min(low + 1, length - 1), centre - low];
    });
    const rows = neighbours(height, size[0]), columns = neighbours(width, size[1]);
    return (input) => {
      let to = 0;
      for (const [above, below, down] of rows) {
        for (const [left, right, across] of columns) {
          const one = (above * width + left) * channels, two = (above * width + right) * channels;
          const three = (below * width + left) * channels, four = (below * width + right) * channels;
          for (let channel = 0; channel < channels; channel++) {
            const upper = input[one + channel] * (1 - across) + input[two + channel] * across;
            const lower = input[three + channel] * (1 - across) + input[four + channel] * across;
            output[to++] = upper * (1 - down) + lower * down;
          }
        }
      }
      return output;
    };
  },

  relu({slope, threshold, max}) {
    if (threshold !== 0 || max !== null) {
      const most = max ?? Infinity;
      return each((value) => (value > threshold ? Math.min(value, most) : slope * (value - threshold)));
    }
    const straight = (1 + slope) / 2, bent = (1 - slope) / 2;
    return (input) => { // the usual ones in a loop of their own, without a branch that nobody can predict
      for (let index = 0; index < input.length; index++) {
        input[index] = straight * input[index] + bent * Math.abs(input[index]);
      }
      return input;
    };
  },
  tanh: () => each((value) => Math.tanh(value)),
  hard_tanh: () => each((value) => Math.min(Math.max(value, -1), 1)),
  sigmoid: () => each((value) => 1 / (1 + Math.exp(-value))),
};

// A layer that changes each number by itself.
function each(change) {
  return (input) => {
    for (let index = 0; index < input.length; index++) input[index] = change(input[index], index);
    return input;
  };
}

class Network {
  constructor(operations) {
    this.steps = operations.map((operation) => OPERATIONS[operation.do](operation));
  }

  // The output's numbers for those of an input; good until the next call.
  run(input) {
    return this.steps.reduce((numbers, step) => step(numbers), Float64Array.from(input));
  }

  // Remember what the first steps, or all, make of an input: inputs that resemble it will take less time.
  expect(input, steps = this.steps.length) {
    let numbers = Float64Array.from(input);
    for (const step of this.steps.slice(0, steps)) {
      const before = step.reference && numbers.slice();
      numbers = step(numbers);
      if (step.reference) {
        step.reference.set(before);
        step.base.set(numbers);
      }
    }
  }
}
