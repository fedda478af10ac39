package dev.weft.kernels.backend.tornado;

/** A device, or TornadoVM, failed at what it was asked to do. The message names the device. */
final class DeviceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  DeviceException(String message, Throwable cause) {
    super(message, cause);
  }
}
