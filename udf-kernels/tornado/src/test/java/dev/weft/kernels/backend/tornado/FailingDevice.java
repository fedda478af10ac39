package dev.weft.kernels.backend.tornado;

import dev.weft.kernels.backend.Availability;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import uk.ac.manchester.tornado.api.DataRange;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.exceptions.TornadoRuntimeException;

/**
 * A device of TornadoVM whose launches fail when they are told to. As a service it stands before
 * the true one, and system properties of the process tell it when to fail.
 */
public final class FailingDevice implements BackendProvider {
  /** Number of the launch in a process that fails, and all after it; the first is 1. */
  static final String FAIL_FROM = "weft.test.failFrom";

  /** How often the device has to be opened after that before it works again. */
  static final String HEAL_AFTER = "weft.test.healAfter";

  /** Folder by which the processes of a cluster have the same device. */
  static final String FAULT_FOLDER = "weft.test.faultFolder";

  private static final AtomicInteger PROCESS_LAUNCHES = new AtomicInteger();

  private final TornadoProvider device = new TornadoProvider();
  private final IntFunction<RuntimeException> fault;
  private final IntPredicate lost;
  private final AtomicInteger copies = new AtomicInteger();
  private final AtomicInteger launches = new AtomicInteger();
  private final AtomicInteger failures = new AtomicInteger();

  /** The service. */
  public FailingDevice() {
    this(_ -> isBroken(PROCESS_LAUNCHES.incrementAndGet()) && !isHealed() ? broken() : null);
  }

  /** From some launch of a process on, for all processes. */
  private static boolean isBroken(int launch) {
    if (launch >= Integer.getInteger(FAIL_FROM, Integer.MAX_VALUE)) {
      tell("broken");
    }
    return told("broken") > 0;
  }

  private static boolean isHealed() {
    return told("opened") >= Integer.getInteger(HEAL_AFTER, Integer.MAX_VALUE);
  }

  private static RuntimeException broken() {
    return new TornadoRuntimeException(
        "CL_DEVICE_NOT_AVAILABLE at launch %d, opened again %d times"
            .formatted(PROCESS_LAUNCHES.get(), told("opened")));
  }

  private static void tell(String what) {
    try {
      Files.write(file(what), new byte[1], StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** How often. */
  private static long told(String what) {
    return file(what).toFile().length();
  }

  private static Path file(String what) {
    return Path.of(System.getProperty(FAULT_FOLDER)).resolve(what);
  }

  /**
   * @param fault gets the number of each launch, from 1; null for none
   */
  public FailingDevice(IntFunction<RuntimeException> fault) {
    this(fault, _ -> false);
  }

  /**
   * @param lost gets the number of each copy to the host, from 1: whether nothing comes, without an
   *     error
   */
  public FailingDevice(IntFunction<RuntimeException> fault, IntPredicate lost) {
    this.fault = fault;
    this.lost = lost;
  }

  /** Launches and copies that failed. */
  public int failures() {
    return failures.get();
  }

  /** The name that errors must tell. */
  public static String deviceName() {
    return Devices.probe().device(0).getPhysicalDevice().getDeviceName().strip();
  }

  /** Whether TornadoVM's CUDA driver has it. */
  public static boolean isCuda() {
    return Devices.probe().device(0).getTornadoVMBackend() == TornadoVMBackendType.CUDA;
  }

  @Override
  public String name() {
    return "tornado";
  }

  @Override
  public int priority() {
    return device.priority() + 1;
  }

  @Override
  public Availability availability() {
    return device.availability();
  }

  @Override
  public List<String> devices() {
    return device.devices();
  }

  @Override
  public OptionalLong memoryBytes(int number) {
    return device.memoryBytes(number);
  }

  @Override
  public boolean compilesAtFirstUse() {
    return true;
  }

  @Override
  public boolean fasterThanPlainJava() {
    return false;
  }

  @Override
  public Backend open(BackendConfig config) {
    if (System.getProperty(FAULT_FOLDER) != null && isBroken(PROCESS_LAUNCHES.get())) {
      tell("opened");
    }
    return new TornadoBackend(
        Devices.probe().device(config.device()),
        new DevicePlan.Launcher() {
          @Override
          public TornadoExecutionResult launch(TornadoExecutionPlan plan, int graph) {
            RuntimeException thrown = fault.apply(launches.incrementAndGet());
            if (thrown != null) {
              failures.incrementAndGet();
              throw thrown;
            }
            return DIRECT.launch(plan, graph);
          }

          @Override
          public void copy(TornadoExecutionResult last, DataRange range) {
            if (lost.test(copies.incrementAndGet())) {
              failures.incrementAndGet();
            } else {
              DIRECT.copy(last, range);
            }
          }
        });
  }
}
