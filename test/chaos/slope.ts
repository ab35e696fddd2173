export function mean(values: number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length
}

/** The slope of the least-squares line through points `[ms, value]`, by the minute. */
export function slopePerMinute(points: [number, number][]): number {
  const atMs = mean(points.map(([x]) => x))
  const value = mean(points.map(([, y]) => y))
  const covariance = points.reduce((total, [x, y]) => total + (x - atMs) * (y - value), 0)
  const variance = points.reduce((total, [x]) => total + (x - atMs) ** 2, 0)
  return (60_000 * covariance) / variance
}
