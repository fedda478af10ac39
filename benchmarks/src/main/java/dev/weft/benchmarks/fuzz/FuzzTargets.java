package dev.weft.benchmarks.fuzz;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;

/** All targets by name. */
final class FuzzTargets {
  private static final Map<String, Callable<FuzzTarget>> KNOWN = new LinkedHashMap<>();

  static {
    KNOWN.put("gguf", GgufTarget::new);
    KNOWN.put("tokenizer", TokenizerTarget::new);
    KNOWN.put("template", TemplateTarget::new);
    KNOWN.put("jsonl", JsonlTarget::new);
  }

  private FuzzTargets() {}

  /** Names in the order in which they run. */
  static Iterable<String> names() {
    return KNOWN.keySet();
  }

  /** Opens a target by its name, or by that of its class if it is not one of these. */
  static FuzzTarget open(String name) throws Exception {
    Callable<FuzzTarget> target = KNOWN.get(name);
    if (target != null) {
      return target.call();
    }
    try {
      return (FuzzTarget) Class.forName(name).getConstructor().newInstance();
    } catch (ReflectiveOperationException | ClassCastException e) {
      throw new IllegalArgumentException(
          "there is no input " + name + " to mutate; there are " + KNOWN.keySet(), e);
    }
  }
}
