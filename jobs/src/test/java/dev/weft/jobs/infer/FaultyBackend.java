package dev.weft.jobs.infer;

import dev.weft.kernels.backend.Availability;
import dev.weft.kernels.backend.Backend;
import dev.weft.kernels.backend.BackendConfig;
import dev.weft.kernels.backend.BackendProvider;
import dev.weft.kernels.backend.scalar.ScalarProvider;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.concurrent.CountDownLatch;

/** The scalar backend, with a fault for one token. {@code auto} never takes it. */
public final class FaultyBackend implements BackendProvider {
  /** What happens when the token is embedded. */
  enum Fault {
    NONE,
    THROW,
    HANG,
    END_PROCESS
  }

  static volatile Fault fault = Fault.NONE;

  /** In place of a token: any. */
  static final int ANY = -2;

  static volatile int poison = -1;

  /** What hung steps wait for. */
  static volatile CountDownLatch release = new CountDownLatch(1);

  @Override
  public String name() {
    return "faulty";
  }

  @Override
  public int priority() {
    return -1;
  }

  @Override
  public Availability availability() {
    return Availability.YES;
  }

  @Override
  public boolean fasterThanPlainJava() {
    return false;
  }

  @Override
  public Backend open(BackendConfig config) {
    Backend scalar = new ScalarProvider().open(config);
    return (Backend)
        Proxy.newProxyInstance(
            Backend.class.getClassLoader(),
            new Class<?>[] {Backend.class},
            (_, method, arguments) -> {
              if (method.getName().equals("embed")) {
                inspect((int[]) arguments[1], (Integer) arguments[2]);
              }
              try {
                return method.getName().equals("name")
                    ? "faulty"
                    : method.invoke(scalar, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static void inspect(int[] ids, int rows) throws InterruptedException {
    for (int i = 0; i < rows; i++) {
      if (poison == ANY || ids[i] == poison) {
        switch (fault) {
          case NONE -> {}
          case THROW -> throw new IllegalStateException("poison");
          case HANG -> release.await();
          case END_PROCESS -> Runtime.getRuntime().halt(134);
        }
      }
    }
  }
}
