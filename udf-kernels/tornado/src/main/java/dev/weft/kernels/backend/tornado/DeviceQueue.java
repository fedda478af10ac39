package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.memory.MemoryBudgetException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import uk.ac.manchester.tornado.api.DataRange;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Operations that wait for the device, and the programs that run them. A program is a task graph of
 * the kernels of some operations in a row, such as an attention block; what changes from call to
 * call (rows, places, layers, page tables) is in one array of integers that goes to the device once
 * for all waiting operations. So the same program runs for every layer and every step, and a model
 * needs a handful of them.
 *
 * <p>All arrays stay on the device between programs: every program takes over all of them from the
 * one that ran before. A plan cannot get another program or a larger array later; when one is
 * needed, the plan is made anew and what kernels wrote is brought over. That takes seconds, and
 * happens while the first steps of a model run.
 */
final class DeviceQueue implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceQueue.class);

  /** TornadoVM takes 256; a program is compiled as a whole. */
  private static final int MOST_TASKS = 64;

  /** Elements that go to the device at a time when an array is changed by the host. */
  private static final int STAGE = 1 << 18;

  /** OpenCL's options; TornadoVM's own have arithmetic without NaN and infinity. */
  private static final String STRICT = "-w";

  private static final String START = "start";
  private static final String STEP = "step";

  /**
   * A kernel over some arrays: the part of an operation that programs are made of.
   *
   * @param first words of weights, or keys; may be null
   * @param second scales, or values; may be null
   * @param scales of keys and values; may be null
   * @param format of weights, or of keys and values
   */
  record Task(Kernel kernel, DeviceArray first, DeviceArray second, Scales scales, int format) {
    Task(Kernel kernel, DeviceArray first, DeviceArray second, int format) {
      this(kernel, first, second, null, format);
    }
  }

  /** Of the blocks of keys and values. */
  record Scales(DeviceArray keys, DeviceArray values) {}

  /** What waits. */
  private sealed interface Waiting {}

  private record Call(Task task, int[] parameters, int groupsX, int groupsY, boolean last)
      implements Waiting {
    Call asLast() {
      return new Call(task, parameters, groupsX, groupsY, true);
    }
  }

  private record Put(DeviceArray array, int at, Object data, int from, int count)
      implements Waiting {}

  /** A program of a plan and its grids. */
  private record Program(int index, List<WorkerGrid> grids) {}

  private final TornadoDevice device;
  private final List<DeviceArray> arrays = new ArrayList<>();
  private final DeviceArray arena;
  private final DeviceArray vectors;
  private final DeviceArray tables;
  private final DeviceArray noInts;
  private final DeviceArray noFloats;

  /** Another one: given the same array twice, TornadoVM does not come to an end. */
  private final DeviceArray noScales;

  private final IntArray base = new IntArray(2);
  private final FloatArray stageFloats = new FloatArray(STAGE);
  private final IntArray stageInts = new IntArray(STAGE);
  private final List<Waiting> waiting = new ArrayList<>();
  private final Map<List<Task>, Program> programs = new LinkedHashMap<>();
  private final Map<DeviceArray, Program> puts = new LinkedHashMap<>();
  private IntArray step = new IntArray(1 << 14);
  private int[] ints = new int[1 << 12];
  private int intCount;
  private TornadoExecutionPlan plan;
  private TornadoExecutionResult lastResult;

  /** The arrays of the plan. */
  private List<DeviceArray> planned = List.of();

  private boolean stale;
  private int plansMade;
  private int generation;

  DeviceQueue(TornadoDevice device, int arenaElements) {
    this.device = device;
    arena = array("arena", true, true, arenaElements);
    vectors = array("vectors", true, false, 1 << 16);
    tables = array("tables", true, false, DeviceFormat.TABLE_SIZE);
    noInts = array("none.i", false, false, 1);
    noFloats = array("none.f", true, false, 1);
    noScales = array("none.s", true, false, 1);
    put(tables, tables.take(DeviceFormat.TABLE_SIZE), DeviceFormat.tables());
  }

  DeviceArray arena() {
    return arena;
  }

  DeviceArray vectors() {
    return vectors;
  }

  /** A new array on the device. */
  DeviceArray array(String name, boolean floats, boolean written, int size) {
    requireMemory(name, Ranges.aligned(size));
    var array = new DeviceArray(name, floats, written, size);
    arrays.add(array);
    stale = true;
    return array;
  }

  /** Refuses before the host or the device is out of memory, with the numbers. */
  void requireMemory(String what, long moreElements) {
    long bytes = Float.BYTES * moreElements;
    for (DeviceArray array : arrays) {
      bytes += (long) Float.BYTES * array.size();
    }
    if (bytes > device.getMaxGlobalMemory()) {
      throw new MemoryBudgetException(
          "%s has %,d MiB of memory, and with %s (%,d MiB) the engine needs %,d MiB: take a smaller engine.kvBytes or model, or engine.kvFormat f16"
              .formatted(
                  device.getPhysicalDevice().getDeviceName().strip(),
                  device.getMaxGlobalMemory() >> 20,
                  what,
                  moreElements * Float.BYTES >> 20,
                  bytes >> 20));
    }
  }

  void remove(DeviceArray array) {
    flush();
    arrays.remove(array);
    puts.remove(array);
    programs.keySet().removeIf(tasks -> tasks.stream().anyMatch(t -> uses(t, array)));
    stale = true;
  }

  private static boolean uses(Task task, DeviceArray array) {
    return task.first() == array
        || task.second() == array
        || task.scales() != null
            && (task.scales().keys() == array || task.scales().values() == array);
  }

  /**
   * Takes a part of an array.
   *
   * @return where it begins
   */
  int take(DeviceArray array, int count) {
    if (!array.has(count)) {
      requireMemory(array.name(), Math.max(array.size(), Ranges.aligned(count)));
      // What waits was made for the array as it is.
      flush();
      closePlan();
    }
    return array.take(count);
  }

  /** Changes a part of an array after what waits is done. */
  void put(DeviceArray array, int at, float[] data) {
    put(array, at, data, data.length);
  }

  void put(DeviceArray array, int at, int[] data) {
    put(array, at, data, data.length);
  }

  private void put(DeviceArray array, int at, Object data, int count) {
    if (!array.isWritten()) {
      putHost(array, at, data, 0, count);
      if (stale || plan == null) {
        // The next plan brings the whole array.
        return;
      }
    }
    for (int from = 0; from < count; from += STAGE) {
      waiting.add(new Put(array, at + from, data, from, Math.min(STAGE, count - from)));
    }
  }

  private static void putHost(DeviceArray array, int at, Object data, int from, int count) {
    if (data instanceof float[] floats) {
      array.putHost(at, floats, from, count);
    } else {
      array.putHost(at, (int[]) data, from, count);
    }
  }

  /**
   * Integers for the waiting operations.
   *
   * @return where they will be in {@code step}
   */
  int integers(int[] data, int count) {
    reserve(count);
    System.arraycopy(data, 0, ints, intCount, count);
    intCount += count;
    return intCount - count;
  }

  private void reserve(int count) {
    if (intCount + count > ints.length) {
      ints = Arrays.copyOf(ints, Math.max(ints.length * 2, intCount + count));
    }
  }

  /**
   * Adds a call of a kernel.
   *
   * @param parameters copied
   * @param last whether a program may end here, as after a block of a model
   */
  void call(Task task, int[] parameters, int groupsX, int groupsY, boolean last) {
    waiting.add(
        new Call(task, Arrays.copyOf(parameters, Kernel.PARAMETERS), groupsX, groupsY, last));
  }

  /** A program may end with what waits now. */
  void endProgram() {
    if (!waiting.isEmpty() && waiting.getLast() instanceof Call call) {
      waiting.set(waiting.size() - 1, call.asLast());
    }
  }

  /** Another number after each flush: what {@link #integers} gave before is of no use then. */
  int generation() {
    return generation;
  }

  /** Runs all that waits. */
  void flush() {
    generation++;
    if (waiting.isEmpty()) {
      intCount = 0;
      return;
    }
    List<List<Call>> blocks = new ArrayList<>();
    List<Object> order = new ArrayList<>();
    List<Call> block = new ArrayList<>();
    for (Waiting w : waiting) {
      if (w instanceof Call call) {
        block.add(call);
        if (!call.last() && block.size() < MOST_TASKS) {
          continue;
        }
      }
      if (!block.isEmpty()) {
        blocks.add(block);
        order.add(block);
        block = new ArrayList<>();
      }
      if (w instanceof Put put) {
        order.add(put);
        if (puts.putIfAbsent(put.array(), new Program(-1, List.of())) == null) {
          stale = true;
        }
      }
    }
    if (!block.isEmpty()) {
      blocks.add(block);
      order.add(block);
    }
    for (List<Call> each : blocks) {
      if (programs.putIfAbsent(tasks(each), new Program(-1, List.of())) == null) {
        stale = true;
      }
    }
    int[] begins = new int[blocks.size()];
    for (int i = 0; i < begins.length; i++) {
      reserve(blocks.get(i).size() * Kernel.PARAMETERS);
      begins[i] = intCount;
      for (Call call : blocks.get(i)) {
        integers(call.parameters(), Kernel.PARAMETERS);
      }
    }
    try {
      if (intCount > step.getSize()) {
        step = new IntArray(Integer.highestOneBit(intCount) * 2);
        stale = true;
      }
      if (stale || plan == null) {
        makePlan();
      }
      MemorySegment.copy(ints, 0, step.getSegment(), ValueLayout.JAVA_INT, 0, intCount);
      run(1);
      int next = 0;
      for (Object entry : order) {
        if (entry instanceof Put put) {
          run(put);
        } else {
          run(blocks.get(next), begins[next]);
          next++;
        }
      }
    } finally {
      waiting.clear();
      intCount = 0;
    }
  }

  private static List<Task> tasks(List<Call> block) {
    return block.stream().map(Call::task).toList();
  }

  private void run(List<Call> block, int begin) {
    Program program = programs.get(tasks(block));
    for (int i = 0; i < block.size(); i++) {
      Call call = block.get(i);
      setGrid(program.grids().get(i), call.task().kernel().group(), call.groupsX(), call.groupsY());
    }
    base.set(0, begin);
    run(program.index());
  }

  private void run(Put put) {
    Program program = puts.get(put.array());
    if (put.data() instanceof float[] floats) {
      MemorySegment.copy(
          floats, put.from(), stageFloats.getSegment(), ValueLayout.JAVA_FLOAT, 0, put.count());
    } else {
      MemorySegment.copy(
          (int[]) put.data(),
          put.from(),
          stageInts.getSegment(),
          ValueLayout.JAVA_INT,
          0,
          put.count());
    }
    setGrid(program.grids().getFirst(), RowKernels.GROUP, groups(put.count()), 1);
    base.set(0, put.at());
    base.set(1, put.count());
    run(program.index());
  }

  /** Work groups of row kernels for that many elements. */
  static int groups(long elements) {
    return Math.toIntExact((elements + RowKernels.GROUP - 1) / RowKernels.GROUP);
  }

  private static void setGrid(WorkerGrid grid, int group, int groupsX, int groupsY) {
    grid.setGlobalWork((long) group * Math.max(1, groupsX), Math.max(1, groupsY), 1);
    grid.setLocalWork(group, 1, 1);
  }

  private void run(int graph) {
    lastResult = plan.withGraph(graph).execute();
  }

  // --- Plans -----------------------------------------------------------------------------------

  private Kernel.Arrays with(Task task) {
    return new Kernel.Arrays(
        base,
        step,
        arena,
        vectors,
        tables,
        task.first() == null ? noInts : task.first(),
        task.second() == null ? noFloats : task.second(),
        task.scales() == null ? noFloats : task.scales().keys(),
        task.scales() == null ? noScales : task.scales().values(),
        task.format());
  }

  private void makePlan() {
    long start = System.nanoTime();
    closePlan();
    Object[] all = new Object[arrays.size() + 1];
    for (int i = 0; i < arrays.size(); i++) {
      all[i] = arrays.get(i).array();
    }
    all[arrays.size()] = step;
    var scheduler = new GridScheduler();
    var graphs = new ArrayList<ImmutableTaskGraph>();
    TaskGraph begin = new TaskGraph(START).transferToDevice(DataTransferMode.FIRST_EXECUTION, all);
    for (int i = 0; i < all.length; i++) {
      touch(begin, START, "t" + i, all[i], scheduler);
    }
    graphs.add(begin.persistOnDevice(all).snapshot());
    Object[] others = Arrays.copyOf(all, arrays.size());
    TaskGraph bring =
        new TaskGraph(STEP)
            .consumeFromDevice(STEP, others)
            .transferToDevice(DataTransferMode.EVERY_EXECUTION, step);
    touch(bring, STEP, "t", step, scheduler);
    graphs.add(bring.persistOnDevice(all).snapshot());
    for (DeviceArray array : puts.keySet()) {
      puts.put(array, putProgram(array, all, graphs, scheduler));
    }
    for (List<Task> tasks : programs.keySet()) {
      programs.put(tasks, program(tasks, all, graphs, scheduler));
    }
    plan = new TornadoExecutionPlan(graphs.toArray(ImmutableTaskGraph[]::new));
    plan.withDevice(device)
        .withGridScheduler(scheduler)
        .withCompilerFlags(TornadoVMBackendType.OPENCL, STRICT);
    run(0);
    planned = List.copyOf(arrays);
    stale = false;
    plansMade++;
    LOG.info(
        "device plan {}: {} programs, {} arrays, {} ms before the first of them is compiled",
        plansMade,
        graphs.size(),
        arrays.size(),
        (System.nanoTime() - start) / 1_000_000);
  }

  private Program program(
      List<Task> tasks, Object[] all, List<ImmutableTaskGraph> graphs, GridScheduler scheduler) {
    String name = "p" + graphs.size();
    TaskGraph graph =
        new TaskGraph(name)
            .consumeFromDevice(name, all)
            .transferToDevice(DataTransferMode.EVERY_EXECUTION, base);
    var grids = new ArrayList<WorkerGrid>();
    for (int i = 0; i < tasks.size(); i++) {
      Task task = tasks.get(i);
      task.kernel().add(graph, "t" + i, with(task), i);
      grids.add(grid(task.kernel().group(), name + ".t" + i, scheduler));
    }
    graphs.add(graph.persistOnDevice(all).snapshot());
    return new Program(graphs.size() - 1, grids);
  }

  private Program putProgram(
      DeviceArray array, Object[] all, List<ImmutableTaskGraph> graphs, GridScheduler scheduler) {
    String name = "put" + graphs.size();
    TaskGraph graph = new TaskGraph(name).consumeFromDevice(name, all);
    if (array.isFloats()) {
      graph
          .transferToDevice(DataTransferMode.EVERY_EXECUTION, base, stageFloats)
          .task("t", RowKernels::putFloats, new KernelContext(), base, stageFloats, array.floats());
    } else {
      graph
          .transferToDevice(DataTransferMode.EVERY_EXECUTION, base, stageInts)
          .task("t", RowKernels::putInts, new KernelContext(), base, stageInts, array.ints());
    }
    WorkerGrid grid = grid(RowKernels.GROUP, name + ".t", scheduler);
    graphs.add(graph.persistOnDevice(all).snapshot());
    return new Program(graphs.size() - 1, List.of(grid));
  }

  private static void touch(
      TaskGraph graph, String name, String task, Object array, GridScheduler scheduler) {
    if (array instanceof FloatArray floats) {
      graph.task(task, RowKernels::touchFloats, new KernelContext(), floats);
    } else {
      graph.task(task, RowKernels::touchInts, new KernelContext(), (IntArray) array);
    }
    grid(RowKernels.GROUP, name + "." + task, scheduler);
  }

  private static WorkerGrid grid(int group, String task, GridScheduler scheduler) {
    WorkerGrid grid = new WorkerGrid2D(group, 1);
    setGrid(grid, group, 1, 1);
    scheduler.addWorkerGrid(task, grid);
    return grid;
  }

  /** Reads a part of an array that kernels write to {@code data[to..to + count - 1]}. */
  void read(DeviceArray array, int at, float[] data, int to, int count) {
    flush();
    if (lastResult != null && planned.contains(array)) {
      copyToHost(array, at, count);
    }
    array.getHost(at, data, to, count);
  }

  private void copyToHost(DeviceArray array, int at, int count) {
    lastResult.transferToHost(new DataRange(array.array()).withOffset(at).withSize(count));
  }

  /**
   * Copies to the host what kernels wrote, before the plan goes. An array that came after it is not
   * known to it, and TornadoVM would copy from anywhere.
   */
  private void bringBack() {
    if (plan != null && lastResult != null) {
      for (DeviceArray array : planned) {
        if (array.isWritten() && arrays.contains(array)) {
          // As a range: after one, a transfer without a range copies the wrong part.
          copyToHost(array, 0, array.size());
        }
      }
    }
  }

  private void closePlan() {
    if (plan == null) {
      return;
    }
    bringBack();
    try {
      plan.freeDeviceMemory();
      plan.close();
    } catch (TornadoExecutionPlanException e) {
      throw new IllegalStateException("TornadoVM cannot free the device's memory", e);
    } finally {
      plan = null;
      lastResult = null;
    }
  }

  @Override
  public void close() {
    waiting.clear();
    if (plan != null) {
      lastResult = null;
      closePlan();
    }
  }
}
