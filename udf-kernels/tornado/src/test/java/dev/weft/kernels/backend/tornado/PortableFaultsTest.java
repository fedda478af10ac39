package dev.weft.kernels.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.weft.kernels.memory.MemoryBudgetException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.exceptions.TornadoOutOfMemoryException;
import uk.ac.manchester.tornado.api.exceptions.TornadoRuntimeException;

/** A process without TornadoVM, as Spark's driver is one, can read the errors of a device. */
class PortableFaultsTest {
  private final DeviceFaults faults = new DeviceFaults("a GPU");

  /** What is read where TornadoVM's classes are not. */
  private Throwable read(RuntimeException thrown) throws Exception {
    Throwable left =
        catchThrowable(
            () ->
                faults.named(
                    () -> {
                      throw thrown;
                    }));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(left);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())) {
          @Override
          protected Class<?> resolveClass(ObjectStreamClass c)
              throws IOException, ClassNotFoundException {
            if (c.getName().startsWith("uk.ac.manchester.")) {
              throw new ClassNotFoundException(c.getName());
            }
            return super.resolveClass(c);
          }
        }) {
      return (Throwable) in.readObject();
    }
  }

  @Test
  void errorsKeepTextStackAndCauses() throws Exception {
    var inner = new TornadoRuntimeException("CL_OUT_OF_RESOURCES");
    var thrown = new TornadoRuntimeException("the launch failed");
    thrown.initCause(inner);
    Throwable found = read(thrown);
    assertThat(found)
        .isInstanceOf(DeviceException.class)
        .hasMessageContainingAll("a GPU failed: ", "the launch failed");
    assertThat(found.getCause()).hasMessageContaining("TornadoRuntimeException: the launch failed");
    assertThat(found.getCause().getStackTrace()).isEqualTo(thrown.getStackTrace());
    assertThat(found.getCause().getCause()).hasMessageContaining("CL_OUT_OF_RESOURCES");
  }

  @Test
  void lacksOfMemoryAreToldOnOneLine() throws Exception {
    String said =
        "Unable to allocate 7 bytes\u001b[33m\n\tTo increase the memory, use ...\n\u001b[0m";
    assertThat(read(new TornadoOutOfMemoryException(said)))
        .isInstanceOf(MemoryBudgetException.class)
        .hasMessageContaining("a GPU is out of memory (Unable to allocate 7 bytes)");
  }

  /** CUDA's number for it is 2; 700 is an illegal address. */
  @Test
  void afterAFaultAllocationsThatFailAreNoLackOfMemory() throws Exception {
    String said = "[ERROR] Unable to allocate 7 B on the CUDA device (cuMemAlloc status=%d).";
    assertThat(read(new TornadoOutOfMemoryException(said.formatted(2))))
        .isInstanceOf(MemoryBudgetException.class);
    assertThat(read(new TornadoOutOfMemoryException(said.formatted(700))))
        .isInstanceOf(DeviceException.class)
        .hasMessageContainingAll("a GPU failed", "cuMemAlloc status=700");
  }
}
