// What is told of the values of a layer, (rows, units) row after row.
const ROWS = 12; // of which every pair of units is compared

// The share of all values in each of the bins; what is outside counts for none.
export function shares(values, [low, high], bins) {
  const found = new Array(bins).fill(0);
  for (const value of values) {
    const place = value === high ? bins - 1 : Math.floor(((value - low) / (high - low)) * bins);
    if (place >= 0 && place < bins) found[place] += 1;
  }
  return found.map((count) => count / values.length);
}

export function deviation(values) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

// The share of values that are small, and of units for which every row's value is.
export function small(flags, units) {
  const every = new Array(units).fill(true);
  flags.forEach((flag, k) => { every[k % units] &&= flag; });
  return { small: flags.filter(Boolean).length / flags.length, dead: every.filter(Boolean).length / units };
}

// The share of units that another unit equals to a hundredth of the values' range in every row.
export function identical(values, units) {
  const some = values.subarray(0, ROWS * units);
  const tolerance = 0.01 * (Math.max(...some) - Math.min(...some)), rows = some.length / units;
  const equal = (a, b) => {
    for (let row = 0; row < rows; row += 1) {
      if (!(Math.abs(some[row * units + a] - some[row * units + b]) <= tolerance)) return false;
    }
    return true;
  };
  const twins = new Set();
  for (let a = 0; a < units; a += 1) {
    for (let b = 0; b < a; b += 1) if (equal(a, b)) twins.add(a).add(b);
  }
  return twins.size / units;
}
