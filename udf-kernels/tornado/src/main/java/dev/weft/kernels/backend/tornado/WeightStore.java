package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.model.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Weights on the device, each matrix once. Those of one format stand in one array, or in a few
 * where one would have too many elements, so that the same programs run with all of them.
 */
final class WeightStore {
  private static final Logger LOG = LoggerFactory.getLogger(WeightStore.class);

  /** Words of an array at first; it doubles as weights come. */
  private static final int FIRST_WORDS = 1 << 20;

  /**
   * A matrix on the device.
   *
   * @param words of a row
   * @param together words of a row that lie next to each other
   * @param wordsAt begin of the words; of f32 in the floats
   * @param floatsAt begin of the scales
   */
  record Matrix(
      DeviceFormat format,
      Arrays arrays,
      int words,
      int together,
      int wordsAt,
      int wordCount,
      int floatsAt,
      int floatCount) {
    long bytes() {
      return 4L * wordCount + 4L * floatCount;
    }

    Task task(Kernel kernel) {
      return new Task(kernel, arrays.words, arrays.floats, format.code());
    }
  }

  /** Words and floats of one format. */
  record Arrays(DeviceArray words, DeviceArray floats) {}

  private record Key(long address, long bytes, int rows, int columns, DeviceFormat format) {
    static Key of(Tensor tensor, DeviceFormat format) {
      return new Key(
          tensor.data().address(),
          tensor.data().byteSize(),
          tensor.rows(),
          tensor.columns(),
          format);
    }
  }

  private static final class Held {
    private final Matrix matrix;
    private final List<Key> key;
    private final List<MemorySegment> data;
    private int users;

    Held(Matrix matrix, List<Key> key, List<MemorySegment> data) {
      this.matrix = matrix;
      this.key = key;
      this.data = data;
    }

    boolean isOpen() {
      return data.stream().allMatch(d -> d.scope().isAlive());
    }
  }

  private final DeviceQueue queue;
  private final int mostElements;

  /** Whether {@link TensorKernels} read the formats that they take. */
  private final boolean tensorCores;

  private final Map<DeviceFormat, List<Arrays>> arrays = new HashMap<>();
  private final Map<List<Key>, Held> held = new HashMap<>();

  WeightStore(DeviceQueue queue, long mostBytes, boolean tensorCores) {
    this.queue = queue;
    this.tensorCores = tensorCores;
    mostElements = (int) Math.min(Integer.MAX_VALUE / 32 * 32, mostBytes / 4);
  }

  /**
   * How many of these matrices, from the first on, can be one: all of a format, without a gap
   * between their outputs, and not too large for an array. What is one is one product.
   */
  int stackable(List<Tensor> matrices) {
    DeviceFormat format = format(matrices.getFirst());
    int count = 1;
    long elements = elements(matrices.getFirst());
    while (count < matrices.size()
        && matrices.get(count - 1).rows() % MatmulKernels.LANES == 0
        && format(matrices.get(count)) == format) {
      elements += elements(matrices.get(count));
      if (elements > mostElements) {
        break;
      }
      count++;
    }
    return count;
  }

  private DeviceFormat format(Tensor tensor) {
    return DeviceFormat.of(tensor.format(), tensorCores);
  }

  /** Words that a row takes. */
  private int words(DeviceFormat format, int columns) {
    return tensor(format)
        ? Math.ceilDiv(columns, TensorKernels.PADDING) * TensorKernels.PADDING / format.elements()
        : format.words(columns);
  }

  private boolean tensor(DeviceFormat format) {
    return tensorCores && TensorKernels.takes(format);
  }

  /** Elements of the larger of a matrix's two arrays. */
  private long elements(Tensor matrix) {
    long words = words(format(matrix), matrix.columns());
    return words * Math.ceilDiv(matrix.rows(), MatmulKernels.LANES) * MatmulKernels.LANES;
  }

  /**
   * Brings matrices to the device, on top of each other, unless they are there; they stay until
   * they are released.
   *
   * @param stack as many as are {@link #stackable}
   */
  Matrix hold(List<Tensor> stack) {
    Held of = of(stack);
    of.users++;
    return of.matrix;
  }

  /** The same for a table that nobody releases: it stays as long as its model is open. */
  Matrix table(Tensor tensor) {
    return of(List.of(tensor)).matrix;
  }

  private Held of(List<Tensor> stack) {
    List<Key> key = stack.stream().map(t -> Key.of(t, format(t))).toList();
    Held known = held.get(key);
    if (known != null && known.isOpen()) {
      return known;
    }
    // Another model may be where one was that is closed.
    for (Held each : List.copyOf(held.values())) {
      if (!each.isOpen()) {
        held.remove(each.key);
        give(each.matrix);
      }
    }
    for (Tensor tensor : stack) {
      format(tensor).warning(tensor.format()).ifPresent(w -> LOG.warn("{}: {}", tensor.name(), w));
    }
    var made = new Held(bring(stack), key, stack.stream().map(Tensor::data).toList());
    held.put(key, made);
    return made;
  }

  void release(Matrix matrix) {
    for (Held each : List.copyOf(held.values())) {
      if (each.matrix == matrix && --each.users <= 0) {
        held.remove(each.key);
        give(matrix);
      }
    }
  }

  private void give(Matrix matrix) {
    // What waits may still read it.
    queue.flush();
    if (matrix.wordCount > 0) {
      matrix.arrays.words.give(matrix.wordsAt, matrix.wordCount);
    }
    if (matrix.floatCount > 0) {
      int at = matrix.format == DeviceFormat.WORDS_F32 ? matrix.wordsAt : matrix.floatsAt;
      matrix.arrays.floats.give(at, matrix.floatCount);
    }
  }

  private Matrix bring(List<Tensor> stack) {
    int lanes = MatmulKernels.LANES;
    DeviceFormat format = format(stack.getFirst());
    int columns = stack.getFirst().columns();
    int tiles = stack.stream().mapToInt(t -> Math.ceilDiv(t.rows(), lanes)).sum();
    int words = words(format, columns);
    int together = tensor(format) ? TensorKernels.STEP / format.elements() : 1;
    boolean f32 = format == DeviceFormat.WORDS_F32;
    int perRow = f32 ? words : format.scaled() ? columns / DeviceFormat.BLOCK : 0;
    int wordCount = f32 ? 0 : Math.multiplyExact(tiles * lanes, words);
    int floatCount = Math.multiplyExact(tiles * lanes, perRow);
    Arrays to = arraysFor(format, wordCount, floatCount);
    int wordsAt = wordCount == 0 ? 0 : queue.take(to.words, wordCount);
    int floatsAt = floatCount == 0 ? 0 : queue.take(to.floats, floatCount);
    int[] tileWords = new int[wordCount / tiles];
    float[] tileFloats = new float[floatCount / tiles];
    int tile = 0;
    for (Tensor tensor : stack) {
      for (int row = 0; row < tensor.rows(); row += lanes) {
        fillTile(tensor, row, format, together, tileWords, tileFloats);
        if (wordCount > 0) {
          queue.put(to.words, wordsAt + tile * tileWords.length, tileWords.clone());
        }
        if (floatCount > 0) {
          queue.put(to.floats, floatsAt + tile * tileFloats.length, tileFloats.clone());
        }
        tile++;
      }
    }
    return new Matrix(
        format,
        to,
        words,
        together,
        f32 ? floatsAt : wordsAt,
        wordCount,
        f32 ? 0 : floatsAt,
        floatCount);
  }

  /** Words and floats of the tile that begins at {@code first}. */
  private static void fillTile(
      Tensor tensor, int first, DeviceFormat format, int together, int[] words, float[] floats) {
    int lanes = MatmulKernels.LANES;
    int[] rowWords = new int[words.length / lanes];
    float[] rowFloats = new float[floats.length / lanes];
    java.util.Arrays.fill(words, 0);
    java.util.Arrays.fill(floats, 0);
    for (int lane = 0; lane < lanes && first + lane < tensor.rows(); lane++) {
      format.pack(tensor, first + lane, rowWords, rowFloats);
      for (int w = 0; w < words.length / lanes; w++) {
        int group = w / together * together;
        words[group * lanes + lane * together + w - group] = rowWords[w];
      }
      for (int f = 0; f < rowFloats.length; f++) {
        floats[f * lanes + lane] = rowFloats[f];
      }
    }
  }

  private Arrays arraysFor(DeviceFormat format, int wordCount, int floatCount) {
    List<Arrays> known = arrays.computeIfAbsent(format, f -> new ArrayList<>());
    for (Arrays each : known) {
      if (fits(each.words, wordCount) && fits(each.floats, floatCount)) {
        return each;
      }
    }
    String name = format + "-" + known.size();
    boolean f32 = format == DeviceFormat.WORDS_F32;
    var made =
        new Arrays(
            queue.array(name + ".words", false, false, f32 ? 1 : Math.max(FIRST_WORDS, wordCount)),
            queue.array(
                name + ".floats",
                true,
                false,
                f32
                    ? Math.max(FIRST_WORDS, floatCount)
                    : format.scaled() ? Math.max(FIRST_WORDS / 8, floatCount) : 1));
    known.add(made);
    return made;
  }

  private boolean fits(DeviceArray array, int count) {
    return count == 0 || array.has(count) || 2L * array.size() + count <= mostElements;
  }
}
