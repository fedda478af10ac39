package dev.weft.batching.cost;

import java.util.List;

/**
 * Seconds over a count, straight between points, never falling; beyond the last point it goes on as
 * between the last two, before the first it is the first.
 *
 * @param points at least one, counts ascending from 0 on, seconds not descending and not negative
 */
public record PiecewiseLinear(List<Point> points) {
  /** Seconds at a count. */
  public record Point(long count, double seconds) {}

  public PiecewiseLinear {
    points = List.copyOf(points);
    if (points.isEmpty()) {
      throw new IllegalArgumentException("a curve needs at least one point");
    }
    Point before = new Point(-1, 0);
    for (Point point : points) {
      if (point.count <= before.count
          || !(point.seconds >= before.seconds)
          || !Double.isFinite(point.seconds)) {
        throw new IllegalArgumentException(
            "a curve must have ascending counts and seconds that do not fall, got "
                + point
                + " after "
                + before);
      }
      before = point;
    }
  }

  /** Seconds at a count. */
  public double at(long count) {
    int last = points.size() - 1;
    if (count <= points.getFirst().count || last == 0) {
      return points.getFirst().seconds;
    }
    int i = 1;
    while (i < last && points.get(i).count < count) {
      i++;
    }
    Point from = points.get(i - 1);
    Point to = points.get(i);
    return from.seconds
        + (to.seconds - from.seconds) * (count - from.count) / (double) (to.count - from.count);
  }

  /** All seconds times a factor. */
  public PiecewiseLinear times(double factor) {
    return new PiecewiseLinear(
        points.stream().map(p -> new Point(p.count, p.seconds * factor)).toList());
  }
}
