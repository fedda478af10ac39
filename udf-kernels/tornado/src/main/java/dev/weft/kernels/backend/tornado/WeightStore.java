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
   * @param wordsAt begin of the words; of f32 in the floats
   * @param floatsAt begin of the scales
   */
  record Matrix(
      DeviceFormat format,
      Arrays arrays,
      int words,
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

  private record Key(long address, long bytes, int rows, int columns, DeviceFormat format) {}

  private static final class Held {
    private final Matrix matrix;
    private final Key key;
    private final MemorySegment data;
    private int users;

    Held(Matrix matrix, Key key, MemorySegment data) {
      this.matrix = matrix;
      this.key = key;
      this.data = data;
    }
  }

  private final DeviceQueue queue;
  private final int mostElements;
  private final Map<DeviceFormat, List<Arrays>> arrays = new HashMap<>();
  private final Map<Key, Held> held = new HashMap<>();

  WeightStore(DeviceQueue queue, long mostBytes) {
    this.queue = queue;
    mostElements = (int) Math.min(Integer.MAX_VALUE / 32 * 32, mostBytes / 4);
  }

  /** Brings a matrix to the device, unless it is there; it stays until it is released. */
  Matrix hold(Tensor tensor) {
    Held of = of(tensor);
    of.users++;
    return of.matrix;
  }

  /** The same for a table that nobody releases: it stays as long as its model is open. */
  Matrix table(Tensor tensor) {
    return of(tensor).matrix;
  }

  private Held of(Tensor tensor) {
    DeviceFormat format = DeviceFormat.of(tensor.format());
    var key =
        new Key(
            tensor.data().address(),
            tensor.data().byteSize(),
            tensor.rows(),
            tensor.columns(),
            format);
    Held known = held.get(key);
    if (known != null && known.data.scope().isAlive()) {
      return known;
    }
    // Another model may be where one was that is closed.
    for (Held each : List.copyOf(held.values())) {
      if (!each.data.scope().isAlive()) {
        held.remove(each.key);
        give(each.matrix);
      }
    }
    DeviceFormat.warning(tensor.format()).ifPresent(w -> LOG.warn("{}: {}", tensor.name(), w));
    var made = new Held(bring(tensor, format), key, tensor.data());
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

  private Matrix bring(Tensor tensor, DeviceFormat format) {
    int lanes = MatmulKernels.LANES;
    int tiles = (tensor.rows() + lanes - 1) / lanes;
    int words = format.words(tensor.columns());
    boolean f32 = format == DeviceFormat.WORDS_F32;
    int perRow = f32 ? words : format.scaled() ? tensor.columns() / DeviceFormat.BLOCK : 0;
    int wordCount = f32 ? 0 : Math.multiplyExact(tiles * lanes, words);
    int floatCount = Math.multiplyExact(tiles * lanes, perRow);
    Arrays to = arraysFor(format, wordCount, floatCount);
    int wordsAt = wordCount == 0 ? 0 : queue.take(to.words, wordCount);
    int floatsAt = floatCount == 0 ? 0 : queue.take(to.floats, floatCount);
    int[] rowWords = new int[words];
    float[] rowFloats = new float[perRow];
    int[] tileWords = new int[wordCount / tiles];
    float[] tileFloats = new float[floatCount / tiles];
    for (int tile = 0; tile < tiles; tile++) {
      java.util.Arrays.fill(tileWords, 0);
      java.util.Arrays.fill(tileFloats, 0);
      for (int lane = 0; lane < lanes && tile * lanes + lane < tensor.rows(); lane++) {
        format.pack(tensor, tile * lanes + lane, rowWords, rowFloats);
        for (int w = 0; w < tileWords.length / lanes; w++) {
          tileWords[w * lanes + lane] = rowWords[w];
        }
        for (int f = 0; f < perRow; f++) {
          tileFloats[f * lanes + lane] = rowFloats[f];
        }
      }
      if (wordCount > 0) {
        queue.put(to.words, wordsAt + tile * tileWords.length, tileWords.clone());
      }
      if (floatCount > 0) {
        queue.put(to.floats, floatsAt + tile * tileFloats.length, tileFloats.clone());
      }
    }
    return new Matrix(
        format, to, words, f32 ? floatsAt : wordsAt, wordCount, f32 ? 0 : floatsAt, floatCount);
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
