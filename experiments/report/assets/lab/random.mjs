// The random numbers of torch.Generator on a CPU in float64, as scratch.random: the Mersenne Twister
// (Matsumoto and Nishimura 1998), and Box and Muller's normal numbers of it.
const WORDS = 624, AHEAD = 397, BOX = 16;

function begun(seed) {
  const words = new Uint32Array(WORDS);
  words[0] = seed;
  for (let i = 1; i < WORDS; i += 1) {
    words[i] = Math.imul(1812433253, words[i - 1] ^ (words[i - 1] >>> 30)) + i;
  }
  return words;
}

function twist(words) {
  for (let i = 0; i < WORDS; i += 1) {
    const y = (words[i] & 0x80000000) | (words[(i + 1) % WORDS] & 0x7fffffff);
    words[i] = words[(i + AHEAD) % WORDS] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}

function tempered(y) {
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return (y ^ (y >>> 18)) >>> 0;
}

export function generator(seed) {
  const words = begun(seed);
  let next = WORDS;
  const word = () => {
    if (next === WORDS) {
      twist(words);
      next = 0;
    }
    return tempered(words[next++]);
  };
  // In [0, 1): the low 53 bits of two words, the first of them the high half.
  const unit = () => ((word() & 0x1fffff) * 2 ** 32 + word()) * 2 ** -53;

  // 8 radii and 8 angles become 8 cosines and 8 sines.
  function box(numbers, at, std) {
    const drawn = [];
    while (drawn.length < BOX) drawn.push(unit());
    for (let i = 0; i < BOX / 2; i += 1) {
      const radius = Math.sqrt(-2 * Math.log(1 - drawn[i])), angle = 2 * Math.PI * drawn[i + BOX / 2];
      numbers[at + i] = std * (radius * Math.cos(angle));
      numbers[at + i + BOX / 2] = std * (radius * Math.sin(angle));
    }
  }

  // N(0, std²), 16 numbers or more; of those that fill no box, torch draws the last box anew.
  function normal(count, std = 1) {
    const numbers = new Float64Array(count), rest = count % BOX;
    for (let at = 0; at + BOX <= count; at += BOX) box(numbers, at, std);
    if (rest) {
      for (let i = 0; i < rest; i += 1) unit();
      box(numbers, count - BOX, std);
    }
    return numbers;
  }

  const uniform = (count, low, high) => Float64Array.from({ length: count }, () => unit() * (high - low) + low);

  return { normal, uniform };
}
