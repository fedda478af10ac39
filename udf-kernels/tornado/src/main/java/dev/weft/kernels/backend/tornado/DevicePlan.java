package dev.weft.kernels.backend.tornado;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import uk.ac.manchester.tornado.api.DataRange;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Programs over arrays that stay on the device: each takes over all arrays from the one that ran
 * before. What a plan consists of is fixed when it is made; its programs are compiled when they
 * first run.
 */
final class DevicePlan {
  /** OpenCL's options; TornadoVM's own have arithmetic without NaN and infinity. */
  private static final String STRICT = "-w";

  /**
   * Held while CUDA records a graph, and for what it then refuses all other threads of the process:
   * to take or free memory of a device, as the first run of each graph and the end of a plan do.
   */
  private static final Object RECORDING = new Object();

  private static final String START = "start";
  private static final String STEP = "step";
  private static final int START_INDEX = 0;
  private static final int STEP_INDEX = 1;

  /** Has the device run a graph of a plan. */
  interface Launcher {
    Launcher DIRECT = (plan, graph) -> plan.withGraph(graph).execute();

    TornadoExecutionResult launch(TornadoExecutionPlan plan, int graph);

    /** Copies a part of an array to the host. */
    default void copy(TornadoExecutionResult last, DataRange range) {
      last.transferToHost(range);
    }
  }

  /**
   * What the host has where a copy shall come: a NaN that no kernel makes. TornadoVM only logs that
   * a driver refused a launch or a copy.
   */
  private static final int NOT_COPIED = 0x7fb7_1e55;

  /** A graph of the plan, with a grid for each of its tasks. */
  private record Program(int index, List<WorkerGrid> grids) {}

  private final String device;
  private final Launcher launcher;
  private final Launching launching;
  private final CommonArrays common;
  private final IntArray step;
  private final List<DeviceArray> arrays;

  /** All arrays of the plan, {@code step} at the end. */
  private final Object[] all;

  private final GridScheduler scheduler = new GridScheduler();
  private final List<ImmutableTaskGraph> graphs = new ArrayList<>();
  private final Map<List<Task>, Program> programs = new HashMap<>();
  private final Map<DeviceArray, Program> puts = new HashMap<>();
  private final Set<Integer> recorded = new HashSet<>();
  private final TornadoExecutionPlan plan;
  private TornadoExecutionResult lastResult;

  /**
   * Makes a plan; nothing is on the device before {@link #start}.
   *
   * @param step parameters of programs; goes to the device by {@link #bringStep}
   * @param arrays that stay on the device
   * @param programs the tasks of each
   * @param puts arrays that the host changes in part
   */
  DevicePlan(
      TornadoDevice device,
      Launcher launcher,
      Launching launching,
      CommonArrays common,
      IntArray step,
      List<DeviceArray> arrays,
      Collection<List<Task>> programs,
      Collection<DeviceArray> puts) {
    this.device = device.getPhysicalDevice().getDeviceName().strip();
    this.launcher = launcher;
    this.launching = launching;
    this.common = common;
    this.step = step;
    this.arrays = List.copyOf(arrays);
    all = new Object[arrays.size() + 1];
    for (int i = 0; i < arrays.size(); i++) {
      all[i] = arrays.get(i).array();
    }
    all[arrays.size()] = step;
    addStart();
    addStep();
    puts.forEach(array -> this.puts.put(array, addPut(array)));
    programs.forEach(tasks -> this.programs.put(tasks, addProgram(tasks)));
    plan = new TornadoExecutionPlan(graphs.toArray(ImmutableTaskGraph[]::new));
    plan.withDevice(device)
        .withGridScheduler(scheduler)
        .withCompilerFlags(TornadoVMBackendType.OPENCL, STRICT);
    if (launching.cudaGraphs()) {
      plan.withCUDAGraph();
    }
  }

  // --- Graphs ----------------------------------------------------------------------------------

  private void addStart() {
    TaskGraph graph = new TaskGraph(START).transferToDevice(DataTransferMode.FIRST_EXECUTION, all);
    for (int i = 0; i < all.length; i++) {
      touch(graph, START, "t" + i, all[i]);
    }
    add(graph);
  }

  /**
   * The only graph that brings {@code step}: each that does has a place of its own for it on the
   * device, and recorded launches read it where it was when they were recorded.
   */
  private void addStep() {
    TaskGraph graph =
        new TaskGraph(STEP)
            .consumeFromDevice(STEP, Arrays.copyOf(all, arrays.size()))
            .transferToDevice(DataTransferMode.EVERY_EXECUTION, step);
    touch(graph, STEP, "t", step);
    add(graph);
  }

  /** TornadoVM brings no array that no task has. */
  private void touch(TaskGraph graph, String name, String task, Object array) {
    if (array instanceof FloatArray floats) {
      graph.task(task, RowKernels::touchFloats, new KernelContext(), floats);
    } else {
      graph.task(task, RowKernels::touchInts, new KernelContext(), (IntArray) array);
    }
    grid(RowKernels.GROUP, name + "." + task);
  }

  private Program addProgram(List<Task> tasks) {
    String name = "p" + graphs.size();
    TaskGraph graph =
        new TaskGraph(name)
            .consumeFromDevice(name, all)
            .transferToDevice(DataTransferMode.EVERY_EXECUTION, common.base());
    var grids = new ArrayList<WorkerGrid>();
    for (int i = 0; i < tasks.size(); i++) {
      Task task = tasks.get(i);
      task.kernel().add(graph, "t" + i, common.with(task, step), i);
      grids.add(grid(task.kernel().group(), name + ".t" + i));
    }
    return new Program(add(graph), grids);
  }

  private Program addPut(DeviceArray array) {
    String name = "put" + graphs.size();
    IntArray base = common.base();
    TaskGraph graph = new TaskGraph(name).consumeFromDevice(name, all);
    if (array.isFloats()) {
      FloatArray stage = common.stageFloats();
      graph
          .transferToDevice(DataTransferMode.EVERY_EXECUTION, base, stage)
          .task("t", RowKernels::putFloats, new KernelContext(), base, stage, array.floats());
    } else {
      IntArray stage = common.stageInts();
      graph
          .transferToDevice(DataTransferMode.EVERY_EXECUTION, base, stage)
          .task("t", RowKernels::putInts, new KernelContext(), base, stage, array.ints());
    }
    WorkerGrid grid = grid(RowKernels.GROUP, name + ".t");
    return new Program(add(graph), List.of(grid));
  }

  /** Its index in the plan. */
  private int add(TaskGraph graph) {
    graphs.add(graph.persistOnDevice(all).snapshot());
    return graphs.size() - 1;
  }

  private WorkerGrid grid(int group, String task) {
    WorkerGrid grid = new WorkerGrid1D(group);
    grid.setGlobalWork(group, 1, 1);
    grid.setLocalWork(group, 1, 1);
    scheduler.addWorkerGrid(task, grid);
    return grid;
  }

  private void setGrid(WorkerGrid grid, int group, long items) {
    grid.setGlobalWork((long) group * launching.grid().groups(group, items), 1, 1);
    grid.setLocalWork(group, 1, 1);
  }

  // --- Running ---------------------------------------------------------------------------------

  /** Work groups of row kernels for that many elements. */
  static int groups(long elements) {
    return Math.toIntExact((elements + RowKernels.GROUP - 1) / RowKernels.GROUP);
  }

  int programs() {
    return graphs.size();
  }

  /** Brings all arrays of the host to the device. */
  void start() {
    run(START_INDEX);
  }

  /** Brings {@code step} to the device. */
  void bringStep() {
    run(STEP_INDEX);
  }

  /**
   * Runs the program of some calls.
   *
   * @param begin of their parameters in {@code step}
   */
  void run(List<Task.Call> calls, int begin) {
    Program program = programs.get(calls.stream().map(Task.Call::task).toList());
    for (int i = 0; i < calls.size(); i++) {
      Task.Call call = calls.get(i);
      setGrid(program.grids.get(i), call.task().kernel().group(), call.items());
    }
    common.base().set(0, begin);
    run(program.index);
  }

  /**
   * Changes a part of an array.
   *
   * @param data floats or integers, as the array has
   * @param count at most {@link CommonArrays#STAGE}
   */
  void put(DeviceArray array, int at, Object data, int from, int count) {
    if (data instanceof float[] floats) {
      MemorySegment stage = common.stageFloats().getSegment();
      MemorySegment.copy(floats, from, stage, ValueLayout.JAVA_FLOAT, 0, count);
    } else {
      MemorySegment stage = common.stageInts().getSegment();
      MemorySegment.copy((int[]) data, from, stage, ValueLayout.JAVA_INT, 0, count);
    }
    Program program = puts.get(array);
    setGrid(program.grids.getFirst(), RowKernels.GROUP, groups(count));
    common.base().set(0, at);
    common.base().set(1, count);
    run(program.index);
  }

  private void run(int graph) {
    if (!launching.cudaGraphs() || recorded.contains(graph)) {
      lastResult = launcher.launch(plan, graph);
      return;
    }
    synchronized (RECORDING) {
      lastResult = launcher.launch(plan, graph);
    }
    recorded.add(graph);
  }

  /**
   * Copies a part of an array to the host. Of an array that came after the plan the host has all:
   * TornadoVM does not know it, and would copy from anywhere.
   *
   * @throws DeviceException if nothing was copied
   */
  void bring(DeviceArray array, int at, int count) {
    if (lastResult != null && arrays.contains(array)) {
      MemorySegment host = array.host();
      long first = 4L * at;
      long last = 4L * (at + count - 1L);
      host.set(ValueLayout.JAVA_INT, first, NOT_COPIED);
      host.set(ValueLayout.JAVA_INT, last, NOT_COPIED);
      // Always as a range: after one, a transfer without a range copies the wrong part.
      launcher.copy(lastResult, new DataRange(array.array()).withOffset(at).withSize(count));
      if (host.get(ValueLayout.JAVA_INT, first) == NOT_COPIED
          || host.get(ValueLayout.JAVA_INT, last) == NOT_COPIED) {
        throw new DeviceException(
            "%s failed: nothing came when %d elements of %s were copied; TornadoVM's driver says why on the standard error"
                .formatted(device, count, array.name()),
            null);
      }
    }
  }

  /**
   * Frees the device's memory.
   *
   * @throws IllegalStateException if TornadoVM cannot
   */
  void close() {
    lastResult = null;
    try {
      synchronized (RECORDING) {
        plan.freeDeviceMemory();
        plan.close();
        // Also lets compiled code go, and pages of the host that TornadoVM has pinned: the driver
        // would go on to copy from there when the host has something else at their addresses.
        plan.resetDevice();
      }
    } catch (TornadoExecutionPlanException e) {
      throw new IllegalStateException("TornadoVM cannot free the device's memory", e);
    }
  }
}
