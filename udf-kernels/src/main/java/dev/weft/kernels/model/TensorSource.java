package dev.weft.kernels.model;

import dev.weft.kernels.model.WeightStore.Stored;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/** Takes tensors of a model by name, checks their shapes, and knows which were not taken. */
final class TensorSource {
  private final WeightStore store;
  private final Set<String> taken = new HashSet<>();

  TensorSource(WeightStore store) {
    this.store = store;
  }

  /** Whether there is a tensor of this name. */
  boolean contains(String name) {
    return store.find(name).isPresent();
  }

  /** The matrix {@code [rows, columns]} of this name. */
  Tensor matrix(String name, int rows, int columns) {
    return whole(name, List.of((long) rows, (long) columns), rows);
  }

  /** Matrices of the same input that are stored as one, from the first row on. */
  List<Tensor> stacked(String name, int columns, int... rows) {
    int all = 0;
    for (int count : rows) {
      all = Math.addExact(all, count);
    }
    Tensor whole = matrix(name, all, columns);
    var parts = new ArrayList<Tensor>();
    int from = 0;
    for (int count : rows) {
      parts.add(rows(whole, from, count));
      from += count;
    }
    return parts;
  }

  /**
   * Matrices {@code [rows, columns]} that are stored as one tensor {@code [count, rows, columns]}.
   */
  List<Tensor> cube(String name, int count, int rows, int columns) {
    Tensor whole =
        whole(
            name,
            List.of((long) count, (long) rows, (long) columns),
            Math.multiplyExact(count, rows));
    var parts = new ArrayList<Tensor>();
    for (int i = 0; i < count; i++) {
      parts.add(rows(whole, i * rows, rows));
    }
    return parts;
  }

  private static Tensor rows(Tensor whole, int from, int count) {
    return new Tensor(
        whole.name(),
        whole.format(),
        count,
        whole.columns(),
        whole.data().asSlice(from * whole.rowBytes(), count * whole.rowBytes()));
  }

  private Tensor whole(String name, List<Long> shape, int rows) {
    Stored stored =
        store
            .find(name)
            .orElseThrow(
                () -> error("tensor " + name + " is missing", ModelFormatException.DAMAGED));
    if (!withoutLeadingOnes(stored.shape()).equals(withoutLeadingOnes(shape))) {
      throw error(
          "tensor %s has the shape %s, the metadata ask for %s"
              .formatted(name, stored.shape(), shape),
          ModelFormatException.DAMAGED);
    }
    taken.add(name);
    return new Tensor(name, stored.format(), rows, Math.toIntExact(shape.getLast()), stored.data());
  }

  /** Vectors are matrices of one row, with or without saying so. */
  private static List<Long> withoutLeadingOnes(List<Long> shape) {
    int from = 0;
    while (from < shape.size() - 1 && shape.get(from) == 1) {
      from++;
    }
    return shape.subList(from, shape.size());
  }

  /** The vector of this name; small, so all its values are checked to be finite. */
  Tensor vector(String name, int length) {
    Tensor vector = matrix(name, 1, length);
    vector.requireFinite(store.path());
    return vector;
  }

  /**
   * Refuses tensors that no role was found for: the model would run without them and be wrong.
   *
   * @param ignored names of tensors that nothing is lost without
   */
  void requireAllTaken(String architecture, Predicate<String> ignored) {
    for (String name : store.names()) {
      if (!taken.contains(name) && !ignored.test(name)) {
        throw error(
            "tensor " + name + " has no role in the architecture " + architecture,
            "This variant of the architecture is not supported; use another model.");
      }
    }
  }

  private ModelFormatException error(String what, String fix) {
    return new ModelFormatException(what, store.path().toString(), fix);
  }
}
