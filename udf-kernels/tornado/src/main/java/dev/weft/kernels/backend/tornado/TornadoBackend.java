package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.backend.Activations;
import dev.weft.kernels.backend.AttentionShape;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.CudaGraphs;
import dev.weft.kernels.backend.RopeTable;
import dev.weft.kernels.backend.Weights;
import dev.weft.kernels.kv.KvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvLayout;
import dev.weft.kernels.kv.RaggedTokens;
import dev.weft.kernels.model.RopeSpec;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.sampling.TopTokens;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoDeviceType;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;

/**
 * Operations on a device that TornadoVM drives. They wait in a {@link DeviceQueue} until a result
 * is read or the step ends; weights, pages and activations stay on the device.
 */
final class TornadoBackend implements Backend {
  /** Elements of the arena at first; a step that needs more doubles it, and makes a new plan. */
  private static final int ARENA = 1 << 22;

  /** The same on a GPU, for which steps are larger. The host has as much. */
  private static final int GPU_ARENA = 1 << 25;

  /** Work groups of attention for each compute unit, before tokens share one. */
  private static final int GROUPS_PER_UNIT = 8;

  private final TornadoDevice device;
  private final DeviceQueue queue;
  private final WeightStore weights;
  private final TensorProducts tensor;
  private final WeakPlaces<float[]> vectors;
  private final WeakPlaces<Activations> activations;
  private final Map<Float, Integer> constants = new HashMap<>();
  private final int[] parameters = new int[Kernel.PARAMETERS];
  private DeviceActivations scratch;
  private float[] cosines = new float[0];
  private int cosinesAt;
  private int sinesAt;
  private final StepTokens tokens;

  /** Work groups that keep the device busy. */
  private final int busy;

  /** Whether {@link TensorKernels} have the formats that they take. */
  private final boolean tensorCores;

  TornadoBackend(TornadoDevice device, DevicePlan.Launcher launcher) {
    this(device, launcher, Launching.of(CudaGraphs.AUTO, device), false);
  }

  /**
   * Opens a device.
   *
   * @throws IllegalArgumentException if tensor cores are asked for and the device has none that
   *     compute what they should
   */
  TornadoBackend(
      TornadoDevice device,
      DevicePlan.Launcher launcher,
      Launching launching,
      boolean tensorCores) {
    String name = device.getPhysicalDevice().getDeviceName().strip();
    if (tensorCores && device.getTornadoVMBackend() != TornadoVMBackendType.CUDA) {
      throw new IllegalArgumentException(
          "engine.tensorCores = true needs TornadoVM's CUDA driver; %s is driven by %s. Set it to"
                  .formatted(name, device.getTornadoVMBackend())
              + " false");
    }
    this.device = device;
    this.tensorCores = tensorCores;
    boolean gpu = device.getDeviceType() == TornadoDeviceType.GPU;
    int arena = gpu ? GPU_ARENA : ARENA;
    queue = new DeviceQueue(device, arena, launcher, launching);
    tokens = new StepTokens(queue);
    busy = GROUPS_PER_UNIT * Math.max(1, device.getPhysicalDevice().getDeviceMaxComputeUnits());
    weights = new WeightStore(queue, device.getMaxAllocMemory(), tensorCores);
    tensor = new TensorProducts(queue, this::scratch);
    vectors = new WeakPlaces<>(queue, queue.vectors());
    activations = new WeakPlaces<>(queue, queue.arena());
    if (tensorCores) {
      try {
        TensorCheck.run(this, name);
      } catch (RuntimeException e) {
        queue.close();
        throw e;
      }
    }
  }

  @Override
  public String name() {
    return "tornado";
  }

  /** The host's one thread. */
  @Override
  public int threads() {
    return 1;
  }

  /** {@link DeviceQueue#kernelsRun}. */
  long kernelsRun() {
    return queue.kernelsRun();
  }

  @Override
  public Weights prepare(List<Tensor> matrices) {
    int[] columns = new int[matrices.size() + 1];
    for (int i = 0; i < matrices.size(); i++) {
      columns[i + 1] = columns[i] + Activations.padded(matrices.get(i).rows());
    }
    var parts = new ArrayList<DeviceWeights.Part>();
    int first = 0;
    while (first < matrices.size()) {
      int end = first + weights.stackable(matrices.subList(first, matrices.size()));
      WeightStore.Matrix held = weights.hold(matrices.subList(first, end));
      parts.add(new DeviceWeights.Part(held, columns[first], columns[end] - columns[first]));
      first = end;
    }
    return new DeviceWeights(weights, matrices.getFirst().columns(), columns, parts, tensorCores);
  }

  @Override
  public Activations allocate(int rows, int columns) {
    int count = DeviceActivations.elements(rows, columns);
    int at = activations.take(count);
    var made = new DeviceActivations(queue, at, rows, columns);
    activations.hold(made, at, count);
    parameters[0] = count;
    parameters[1] = at;
    call(Kernel.ZERO, DevicePlan.groups(count), 1, true);
    return made;
  }

  @Override
  public KvCache openKv(KvLayout layout, KvConfig config) {
    return new DeviceKv(queue, layout, config, device.getMaxAllocMemory());
  }

  @Override
  public void embed(Tensor table, int[] ids, int rows, Activations out) {
    var matrix = weights.table(table);
    var o = (DeviceActivations) out;
    parameters[0] = rows;
    output(o);
    int words = matrix.format().words(table.columns());
    parameters[5] = words;
    parameters[6] = matrix.together();
    parameters[7] = matrix.wordsAt();
    parameters[8] = matrix.floatsAt();
    parameters[9] = queue.integers(ids, rows);
    parameters[10] = matrix.words();
    queue.call(
        matrix.task(Kernel.EMBED), parameters, DevicePlan.groups((long) rows * words), 1, true);
  }

  @Override
  public void gather(Activations x, int[] indices, int count, Activations out) {
    between(x, count, out);
    parameters[5] = x.columns();
    parameters[6] = queue.integers(indices, count);
    elements(Kernel.GATHER, count, x.columns(), false);
  }

  @Override
  public void rmsNorm(Activations x, int rows, float[] weight, float epsilon, Activations out) {
    int weightAt = vector(weight);
    int epsilonAt = constant(epsilon);
    between(x, rows, out);
    parameters[5] = x.columns();
    parameters[6] = weightAt;
    parameters[7] = epsilonAt;
    parameters[8] = -1;
    call(Kernel.RMS_NORM, rows, 1, false);
  }

  @Override
  public void matmul(Weights w, Activations x, int rows, Activations out) {
    var prepared = (DeviceWeights) w;
    if (x.columns() != prepared.inputs()
        || out.columns() < prepared.outputs()
        || rows > x.rows()
        || rows > out.rows()) {
      throw new IllegalArgumentException(
          "weights %d -> %d on %d rows of %d x %d to %d x %d"
              .formatted(
                  prepared.inputs(),
                  prepared.outputs(),
                  rows,
                  x.rows(),
                  x.columns(),
                  out.rows(),
                  out.columns()));
    }
    for (DeviceWeights.Part part : prepared.parts()) {
      WeightStore.Matrix matrix = part.matrix();
      if (tensorCores && TensorKernels.takes(matrix.format())) {
        between(x, rows, out);
        parameters[3] += part.column();
        tensor.call(matrix, part.outputs(), x.columns(), parameters);
        continue;
      }
      between(x, rows, out);
      parameters[3] += part.column();
      parameters[5] = matrix.words();
      parameters[6] = part.outputs();
      parameters[7] = matrix.wordsAt();
      parameters[8] = matrix.floatsAt();
      parameters[9] = -1;
      boolean one = rows <= 2;
      queue.call(
          matrix.task(one ? Kernel.MATMUL_ONE : Kernel.MATMUL_EIGHT),
          parameters,
          (part.outputs() + MatmulKernels.LANES - 1) / MatmulKernels.LANES,
          one ? rows : (rows + MatmulKernels.TOKENS - 1) / MatmulKernels.TOKENS,
          false);
    }
  }

  @Override
  public void add(Activations x, int rows, Activations delta) {
    onto(x, rows, delta);
    if (!addedByProduct(x)) {
      elements(Kernel.ADD, rows, x.columns(), true);
    }
  }

  /** Whether the product that was called last is what is to be added, and now does it. */
  private boolean addedByProduct(Activations x) {
    Task.Call call = queue.lastCall();
    if (call == null || !call.task().kernel().endsProduct()) {
      return false;
    }
    int[] product = call.parameters();
    boolean sameRows = product[0] == parameters[0];
    boolean sameDelta = product[3] == parameters[3] && product[4] == parameters[4];
    boolean whole = product[6] == Activations.padded(x.columns());
    boolean readsOther = product[1] != parameters[1];
    if (!sameRows || !sameDelta || !whole || !readsOther || product[9] >= 0) {
      return false;
    }
    product[9] = parameters[1];
    product[10] = parameters[2];
    queue.endProgram();
    return true;
  }

  @Override
  public void addBias(Activations x, int rows, float[] bias) {
    int biasAt = vector(bias);
    inPlace(x, rows);
    parameters[5] = x.columns();
    parameters[6] = biasAt;
    elements(Kernel.ADD_BIAS, rows, x.columns(), false);
  }

  @Override
  public void addScaled(
      Activations x, int[] indices, int count, Activations delta, float[] scales) {
    var factors = (DeviceActivations) allocate(1, count);
    factors.write(0, scales, 0, count);
    int factorsAt = factors.input();
    onto(x, count, delta);
    parameters[6] = queue.integers(indices, count);
    parameters[7] = factorsAt;
    elements(Kernel.ADD_SCALED, count, x.columns(), true);
  }

  @Override
  public void normHeads(
      Activations x, int rows, int column, int heads, int headDim, float[] weight, float epsilon) {
    int weightAt = vector(weight);
    int epsilonAt = constant(epsilon);
    inPlace(x, rows);
    parameters[3] = column;
    parameters[5] = headDim;
    parameters[6] = weightAt;
    parameters[7] = epsilonAt;
    call(Kernel.NORM_HEADS, heads, rows, false);
  }

  @Override
  public void ropeAndStore(
      Activations qkv,
      AttentionShape shape,
      RopeTable rope,
      RaggedTokens step,
      KvCache kv,
      int layer) {
    var cache = (DeviceKv) kv;
    turns(rope);
    int at = tokens.at(step);
    inPlace(qkv, step.tokens());
    parameters[3] = shape.queryColumn();
    parameters[4] = shape.keyColumn();
    parameters[5] = shape.valueColumn();
    parameters[6] = shape.headDim();
    parameters[7] = shape.heads();
    parameters[8] = shape.kvHeads();
    parameters[9] = rope.pairs();
    parameters[10] = rope.layout() == RopeSpec.Layout.INTERLEAVED ? 1 : 0;
    parameters[11] = cosinesAt;
    parameters[12] = sinesAt;
    parameters[13] = at;
    parameters[14] = cache.begin(layer);
    parameters[15] = cache.beginOfScales(layer);
    queue.call(
        cache.store(layer), parameters, shape.heads() + shape.kvHeads(), step.tokens(), false);
  }

  @Override
  public void attention(
      Activations qkv,
      AttentionShape shape,
      RaggedTokens step,
      KvCache kv,
      int layer,
      Activations out) {
    var cache = (DeviceKv) kv;
    int queries =
        Math.min(AttentionKernels.MOST_HEADS, AttentionKernels.MOST_ELEMENTS / shape.headDim());
    int heads = Math.min(shape.group(), queries);
    if (heads < 1) {
      throw new IllegalArgumentException(
          "heads of "
              + shape.headDim()
              + " elements; the kernel has room for "
              + AttentionKernels.MOST_ELEMENTS);
    }
    int scaleAt = constant(shape.scale());
    int groups = shape.kvHeads() * ((shape.group() + heads - 1) / heads);
    int at = tokens.at(step);
    // Windows begin at a position of each token's own.
    int most = shape.window() > 0 ? 1 : queries / heads;
    StepTokens.Blocks blocks =
        tokens.blocks(step, Math.clamp((long) step.tokens() * groups / busy, 1, most));
    between(qkv, step.tokens(), out);
    parameters[5] = shape.queryColumn();
    parameters[6] = shape.headDim();
    parameters[7] = shape.group();
    parameters[8] = shape.kvHeads();
    parameters[9] = heads;
    parameters[10] = blocks.at();
    parameters[11] = shape.window();
    parameters[12] = scaleAt;
    parameters[13] = at;
    parameters[14] = cache.begin(layer);
    parameters[15] = cache.beginOfScales(layer);
    queue.call(cache.attention(layer), parameters, groups, blocks.count(), false);
  }

  @Override
  public void swiGlu(Activations x, int rows, int upColumn, int width, Activations out) {
    between(x, rows, out);
    parameters[5] = width;
    parameters[6] = upColumn;
    elements(Kernel.SWI_GLU, rows, width, false);
  }

  @Override
  public void findTop(Activations logits, int vocabulary, TopTokens top) {
    if (vocabulary > TopKernels.MOST_TOKENS) {
      throw new IllegalArgumentException(
          "%,d tokens; the kernel tells %,d apart".formatted(vocabulary, TopKernels.MOST_TOKENS));
    }
    int asked = top.asked();
    if (asked == 0) {
      return;
    }
    // What comes before is a program that steps without this have too.
    queue.endProgram();
    int most = top.most();
    int length = TopKernels.slice(vocabulary);
    int slices = (vocabulary + length - 1) / length;
    int found = asked * 2 * most;
    int at = scratch(Math.multiplyExact(found, slices + 1));
    int infinityAt = constant(Float.POSITIVE_INFINITY);
    int[] rows = new int[2 * asked];
    for (int place = 0; place < asked; place++) {
      rows[2 * place] = top.row(place);
      rows[2 * place + 1] = top.count(place);
    }
    input(logits, asked);
    parameters[3] = at;
    parameters[4] = at + found;
    parameters[5] = vocabulary;
    parameters[6] = length;
    parameters[7] = slices;
    parameters[8] = most;
    parameters[9] = queue.integers(rows, rows.length);
    parameters[10] = infinityAt;
    call(Kernel.TOP_OF_SLICE, slices, asked, false);
    call(Kernel.TOP_OF_ROW, asked, 1, true);
    float[] result = new float[found];
    queue.read(queue.arena(), at, result, 0, found);
    for (int place = 0; place < asked; place++) {
      int begin = place * 2 * most;
      for (int rank = 0; rank < top.count(place); rank++) {
        top.set(place, rank, (int) result[begin + most + rank], result[begin + rank]);
      }
    }
  }

  /** Begin in the arena of room for that many elements, until the next call. */
  private int scratch(int count) {
    if (scratch == null || scratch.columns() < count) {
      scratch = (DeviceActivations) allocate(1, Integer.highestOneBit(count) * 2);
    }
    return scratch.output();
  }

  @Override
  public void finish() {
    queue.flush();
    tokens.clear();
  }

  @Override
  public void close() {
    queue.close();
  }

  // --- Parameters of calls ---------------------------------------------------------------------

  private void between(Activations x, int rows, Activations out) {
    input(x, rows);
    output((DeviceActivations) out);
  }

  private void output(DeviceActivations out) {
    parameters[3] = out.output();
    parameters[4] = out.stride();
  }

  /** {@code delta} is where outputs else are. */
  private void onto(Activations x, int rows, Activations delta) {
    var d = (DeviceActivations) delta;
    int from = d.input();
    inPlace(x, rows);
    parameters[3] = from;
    parameters[4] = d.stride();
    parameters[5] = x.columns();
  }

  private void inPlace(Activations x, int rows) {
    input(x, rows);
    ((DeviceActivations) x).output();
  }

  private void input(Activations x, int rows) {
    var a = (DeviceActivations) x;
    parameters[0] = rows;
    parameters[1] = a.input();
    parameters[2] = a.stride();
  }

  private void elements(Kernel kernel, int rows, int columns, boolean last) {
    call(kernel, DevicePlan.groups((long) rows * columns), 1, last);
  }

  private void call(Kernel kernel, int groupsX, int groupsY, boolean last) {
    queue.call(new Task(kernel, null, null, 0), parameters, groupsX, groupsY, last);
  }

  /** Where a vector is that does not change. */
  private int vector(float[] vector) {
    return vectors.of(vector, vector.length, at -> queue.put(queue.vectors(), at, vector.clone()));
  }

  private int constant(float value) {
    Integer known = constants.get(value);
    if (known == null) {
      known = queue.take(queue.vectors(), 1);
      queue.put(queue.vectors(), known, new float[] {value});
      constants.put(value, known);
    }
    return known;
  }

  private void turns(RopeTable rope) {
    if (rope.cos() != cosines) {
      float[] cos = rope.cos();
      cosinesAt = vector(cos);
      sinesAt = vector(rope.sin());
      cosines = cos;
    }
  }
}
