/** Quantile of the normal distribution for a two-sided confidence of 95 %. */
const Z95 = 1.96;

/**
 * Slope of points by Theil and Sen: the median of the slopes of all pairs, which a few wild points do not move, with
 * Sen's confidence interval (Sen 1968, "Estimates of the regression coefficient based on Kendall's tau").
 */
export function theilSen(points) {
  const slopes = [];
  for (let i = 0; i < points.length; i++)
    for (let j = i + 1; j < points.length; j++)
      if (points[j].x !== points[i].x) slopes.push((points[j].y - points[i].y) / (points[j].x - points[i].x));
  slopes.sort((a, b) => a - b);
  const n = points.length;
  const spread = Z95 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const at = (rank) => slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(rank)))];
  return {
    slope: at((slopes.length - 1) / 2),
    low: at((slopes.length - spread) / 2 - 1),
    high: at((slopes.length + spread) / 2),
  };
}
