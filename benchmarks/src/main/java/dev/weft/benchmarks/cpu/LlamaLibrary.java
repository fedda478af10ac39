package dev.weft.benchmarks.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.weft.benchmarks.measure.PeerException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * llama.cpp, out of the native library inside the Java binding {@code de.kherud:llama}: the same
 * code that the binding runs, called without it. Loaded once for the process.
 */
@SuppressWarnings("restricted")
final class LlamaLibrary {
  /** Build of llama.cpp whose structs {@link LlamaLayouts} has. */
  static final int BUILD = 4916;

  private static final int LOG_ERROR = 4;
  private static final int MAX_LOG_LINE = 4096;

  private static LlamaLibrary loaded;
  private static PeerException failed;

  /** Last error that llama.cpp logged; it gives reasons nowhere else. */
  private static volatile String lastError = "";

  private final Linker linker = Linker.nativeLinker();
  private final SymbolLookup symbols;
  private final Path folder;

  final MethodHandle modelDefaults;
  final MethodHandle contextDefaults;
  final MethodHandle loadModel;
  final MethodHandle freeModel;
  final MethodHandle vocabulary;
  final MethodHandle vocabularySize;
  final MethodHandle newContext;
  final MethodHandle freeContext;
  final MethodHandle decode;
  final MethodHandle logits;
  final MethodHandle clear;
  final MethodHandle remove;
  final MethodHandle stateSize;
  final MethodHandle getState;
  final MethodHandle setState;
  final MethodHandle systemInfo;

  private LlamaLibrary(Path library) throws PeerException {
    folder = library.getParent();
    symbols = SymbolLookup.libraryLookup(library, Arena.global());
    int build = symbol("LLAMA_BUILD_NUMBER").reinterpret(Integer.BYTES).get(JAVA_INT, 0);
    if (build != BUILD) {
      throw new PeerException(
          "the library is build " + build + " of llama.cpp; structs are known of build " + BUILD);
    }
    MemoryLayout model = LlamaLayouts.MODEL_PARAMS;
    MemoryLayout context = LlamaLayouts.CONTEXT_PARAMS;
    MemoryLayout batch = LlamaLayouts.BATCH;
    modelDefaults = handle("llama_model_default_params", FunctionDescriptor.of(model));
    contextDefaults = handle("llama_context_default_params", FunctionDescriptor.of(context));
    loadModel =
        handle("llama_model_load_from_file", FunctionDescriptor.of(ADDRESS, ADDRESS, model));
    freeModel = handle("llama_model_free", FunctionDescriptor.ofVoid(ADDRESS));
    vocabulary = handle("llama_model_get_vocab", FunctionDescriptor.of(ADDRESS, ADDRESS));
    vocabularySize = handle("llama_vocab_n_tokens", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    newContext = handle("llama_init_from_model", FunctionDescriptor.of(ADDRESS, ADDRESS, context));
    freeContext = handle("llama_free", FunctionDescriptor.ofVoid(ADDRESS));
    decode = handle("llama_decode", FunctionDescriptor.of(JAVA_INT, ADDRESS, batch));
    logits = handle("llama_get_logits_ith", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT));
    clear = handle("llama_kv_self_clear", FunctionDescriptor.ofVoid(ADDRESS));
    remove =
        handle(
            "llama_kv_self_seq_rm",
            FunctionDescriptor.of(JAVA_BOOLEAN, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT));
    stateSize =
        handle("llama_state_seq_get_size", FunctionDescriptor.of(JAVA_LONG, ADDRESS, JAVA_INT));
    getState =
        handle(
            "llama_state_seq_get_data",
            FunctionDescriptor.of(JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT));
    setState =
        handle(
            "llama_state_seq_set_data",
            FunctionDescriptor.of(JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT));
    systemInfo = handle("llama_print_system_info", FunctionDescriptor.of(ADDRESS));
    start();
  }

  /**
   * The library, loaded with the first call.
   *
   * @throws PeerException if there is none for this machine, or it is not the one that is known
   */
  static synchronized LlamaLibrary get() throws PeerException {
    if (loaded == null && failed == null) {
      try {
        loaded = new LlamaLibrary(extract());
      } catch (IOException | IllegalArgumentException | UnsatisfiedLinkError e) {
        failed = new PeerException("llama.cpp cannot be loaded: " + e.getMessage(), e);
      } catch (PeerException e) {
        failed = e;
      }
    }
    if (failed != null) {
      throw failed;
    }
    return loaded;
  }

  /** Folder that holds the library, where the binding may load it too. */
  Path folder() {
    return folder;
  }

  /** Instruction sets that it was built for. */
  String systemInfo() throws PeerException {
    try {
      return ((MemorySegment) systemInfo.invokeExact())
          .reinterpret(MAX_LOG_LINE)
          .getString(0)
          .strip();
    } catch (Throwable e) {
      throw failure("llama_print_system_info", e);
    }
  }

  /** What llama.cpp logged as an error last, for messages. */
  static String lastError() {
    return lastError.isEmpty() ? "it gave no reason" : lastError;
  }

  /** A call failed on the Java side: it can only be a wrong descriptor. */
  static PeerException failure(String function, Throwable e) {
    return new PeerException("calling " + function + " failed: " + e, e);
  }

  private static Path extract() throws IOException, PeerException {
    String name = System.mapLibraryName("jllama");
    String resource = "/de/kherud/llama/" + systemFolder() + "/" + name;
    try (InputStream in = LlamaLibrary.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new PeerException("the artifact de.kherud:llama has no " + resource);
      }
      Path folder = Files.createTempDirectory("weft-llama");
      Path file = folder.resolve(name);
      folder.toFile().deleteOnExit();
      file.toFile().deleteOnExit();
      Files.copy(in, file);
      return file;
    }
  }

  /** As the binding names them. */
  private static String systemFolder() {
    String os = System.getProperty("os.name");
    String cpu = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    return (os.startsWith("Mac") ? "Mac" : os.startsWith("Windows") ? "Windows" : os)
        + "/"
        + (cpu.equals("amd64") ? "x86_64" : cpu);
  }

  private void start() throws PeerException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment log =
          linker.upcallStub(
              MethodHandles.lookup()
                  .findStatic(
                      LlamaLibrary.class,
                      "log",
                      MethodType.methodType(
                          void.class, int.class, MemorySegment.class, MemorySegment.class)),
              FunctionDescriptor.ofVoid(JAVA_INT, ADDRESS, ADDRESS),
              Arena.global());
      handle("llama_log_set", FunctionDescriptor.ofVoid(ADDRESS, ADDRESS))
          .invokeExact(log, MemorySegment.NULL);
      handle("llama_backend_init", FunctionDescriptor.ofVoid()).invokeExact();
      SegmentAllocator allocator = arena;
      LlamaLayouts.check(
          (MemorySegment) modelDefaults.invokeExact(allocator),
          (MemorySegment) contextDefaults.invokeExact(allocator));
    } catch (PeerException e) {
      throw e;
    } catch (Throwable e) {
      throw failure("llama_backend_init", e);
    }
  }

  /** Called by llama.cpp, from any of its threads. */
  private static void log(int level, MemorySegment text, MemorySegment unused) {
    if (level == LOG_ERROR) {
      lastError = text.reinterpret(MAX_LOG_LINE).getString(0).strip();
    }
  }

  private MemorySegment symbol(String name) throws PeerException {
    return symbols
        .find(name)
        .orElseThrow(() -> new PeerException("the library of llama.cpp does not export " + name));
  }

  private MethodHandle handle(String name, FunctionDescriptor descriptor) throws PeerException {
    return linker.downcallHandle(symbol(name), descriptor);
  }
}
