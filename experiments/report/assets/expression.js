"use strict";
// A function of x and y as somebody typed it, with its gradient: jsep parses it, and every operation
// is computed on dual numbers [value, by x, by y]. Nothing that is typed is ever run as a script.

const expression = (() => {
  // Of each operation: what it computes, and its partial derivatives.
  const OPERATIONS = {
    "+": [(a, b) => a + b, () => 1, () => 1],
    "-": [(a, b) => a - b, () => 1, () => -1],
    "*": [(a, b) => a * b, (a, b) => b, (a) => a],
    "/": [(a, b) => a / b, (a, b) => 1 / b, (a, b) => -a / (b * b)],
    "^": [(a, b) => a ** b, (a, b) => b * a ** (b - 1), (a, b) => a ** b * Math.log(a)],
  };
  const FUNCTIONS = {
    sin: [Math.sin, Math.cos],
    cos: [Math.cos, (a) => -Math.sin(a)],
    tan: [Math.tan, (a) => 1 / Math.cos(a) ** 2],
    tanh: [Math.tanh, (a) => 1 - Math.tanh(a) ** 2],
    exp: [Math.exp, Math.exp],
    log: [Math.log, (a) => 1 / a],
    sqrt: [Math.sqrt, (a) => 0.5 / Math.sqrt(a)],
    abs: [Math.abs, Math.sign],
    max: [Math.max, (a, b) => Number(a >= b), (a, b) => Number(a < b)],
    min: [Math.min, (a, b) => Number(a <= b), (a, b) => Number(a > b)],
  };
  const SIGNS = { "-": [(a) => -a, () => -1], "+": [(a) => a, () => 1] };
  const NAMES = {
    x: [(x) => x, 1, 0], y: [(x, y) => y, 0, 1], pi: [() => Math.PI, 0, 0], e: [() => Math.E, 0, 0],
  };
  const WRITTEN = {
    "−": "-", "·": "*", "×": "*", "÷": "/", "**": "^", "π": "pi",
    "²": "^2", "³": "^3", "⁴": "^4", "⁵": "^5", "⁶": "^6",
  };

  // A sign binds less than a power: −x² is −(x²), for which jsep has no rule.
  function power(parser) {
    const left = parser.gobbleToken();
    if (!left) parser.throwError("nothing to raise");
    parser.gobbleSpaces();
    if (parser.char !== "^") return left;
    parser.index += 1;
    return { type: "BinaryExpression", operator: "^", left, right: power(parser) };
  }
  jsep.addBinaryOp("^", 12, true);
  jsep.hooks.add("gobble-token", function sign(env) {
    if (!Object.hasOwn(SIGNS, this.char)) return;
    const operator = this.char;
    this.index += 1;
    env.node = { type: "UnaryExpression", operator, argument: power(this) };
  });

  class Mistake extends Error {}
  const known = (table, name) => {
    if (Object.hasOwn(table, name)) return table[name];
    throw new Mistake(word("unknownName", { name }));
  };

  // { value(x, y), dual(x, y) } of a node of the tree.
  function built(node) {
    switch (node.type) {
      case "Literal":
        if (typeof node.value !== "number") break;
        return { value: () => node.value, dual: () => [node.value, 0, 0] };
      case "Identifier": {
        const [value, dx, dy] = known(NAMES, node.name);
        return { value, dual: (x, y) => [value(x, y), dx, dy] };
      }
      case "UnaryExpression": return applied(known(SIGNS, node.operator), [node.argument]);
      case "BinaryExpression": return applied(known(OPERATIONS, node.operator), [node.left, node.right]);
      case "CallExpression": return applied(known(FUNCTIONS, node.callee.name), node.arguments);
    }
    throw new Mistake(word("notFunction"));
  }

  // The chain rule; a partial derivative that does not matter may be what it likes.
  const chained = (partial, inner) => (inner === 0 ? 0 : partial * inner);

  function applied([f, ...partials], nodes) {
    if (nodes.length !== partials.length) throw new Mistake(word("notFunction"));
    const [a, b] = nodes.map(built);
    if (!b) {
      return {
        value: (x, y) => f(a.value(x, y)),
        dual: (x, y) => {
          const [v, dx, dy] = a.dual(x, y), d = partials[0](v);
          return [f(v), chained(d, dx), chained(d, dy)];
        },
      };
    }
    return {
      value: (x, y) => f(a.value(x, y), b.value(x, y)),
      dual: (x, y) => {
        const [v, vx, vy] = a.dual(x, y), [w, wx, wy] = b.dual(x, y);
        const p = partials[0](v, w), q = partials[1](v, w);
        return [f(v, w), chained(p, vx) + chained(q, wx), chained(p, vy) + chained(q, wy)];
      },
    };
  }

  // { value, dual } of a text, or { mistake } that says what is wrong with it.
  function read(text) {
    let plainText = text.slice(0, 300);
    for (const [from, to] of Object.entries(WRITTEN)) plainText = plainText.replaceAll(from, to);
    plainText = plainText.replace(/(\d|\))\s*(?=[xy(]|pi)/g, "$1*").replace(/\b([xy])\s*(?=\()/g, "$1*");
    try {
      return built(jsep(plainText));
    } catch (error) {
      if (error instanceof Mistake) return { mistake: error.message };
      return { mistake: word("notRead", { place: (error.index ?? 0) + 1 }) };
    }
  }

  return { read };
})();
