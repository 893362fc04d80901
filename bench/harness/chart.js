// How a scenario's rows become a chart: which number of a row, in which unit, and which is better.

export function lessIsBetter(unit, value) {
  return { unit: `${unit}, less is better`, value };
}

export function moreIsBetter(unit, value) {
  return { unit: `${unit}, more is better`, value };
}
