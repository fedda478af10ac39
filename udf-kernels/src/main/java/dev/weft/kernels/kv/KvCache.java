package dev.weft.kernels.kv;

/** Pages of keys and values in the memory of one backend. What is in a page, its writers know. */
public interface KvCache extends AutoCloseable {
  KvLayout layout();

  int pages();

  @Override
  void close();
}
