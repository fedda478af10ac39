package dev.weft.benchmarks.fuzz;

import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.quant.QuantFormat;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** Whole model files: header, metadata, tokenizer, tensors. */
final class GgufTarget implements FuzzTarget {
  private static final int[] WIDE = {10, 11, 12, 13, 14};
  private static final int[] BLOCKS = {0, 1, 2, 3, 6, 7, 8, 30};

  private final List<GgufSketch> seeds = new ArrayList<>();
  private final Path file;

  GgufTarget() throws IOException {
    Path memory = Path.of("/dev/shm");
    file =
        Files.isWritable(memory)
            ? Files.createTempFile(memory, "weft-fuzz", ".gguf")
            : Files.createTempFile("weft-fuzz", ".gguf");
    for (int type : BLOCKS) {
      seeds.add(seed(32, type, seeds.size() % 2 == 0));
    }
    for (int type : WIDE) {
      seeds.add(seed(256, type, seeds.size() % 2 == 0));
    }
  }

  @Override
  public String name() {
    return "gguf";
  }

  private static GgufSketch seed(int width, int ggmlType, boolean sentencePiece) {
    var sketch =
        new GgufSketch()
            .put("general.architecture", "llama")
            .put("general.name", "fuzz")
            .put("llama.block_count", 1)
            .put("llama.embedding_length", width)
            .put("llama.attention.head_count", 2)
            .put("llama.attention.head_count_kv", 1)
            .put("llama.feed_forward_length", width)
            .put("llama.context_length", 64)
            .put("llama.attention.layer_norm_rms_epsilon", 1e-5f)
            .put("llama.rope.freq_base", 10000f)
            .put("llama.rope.scaling.type", "linear")
            .put("llama.rope.scaling.factor", 2f)
            .put("tokenizer.chat_template", "{% for m in messages %}{{ m.content }}{% endfor %}");
    int vocabulary = TokenizerSeed.addTo(sketch, sentencePiece);
    QuantFormat format = QuantFormat.ofGgmlType(ggmlType).orElseThrow();
    vector(sketch, "output_norm.weight", width);
    vector(sketch, "blk.0.attn_norm.weight", width);
    vector(sketch, "blk.0.ffn_norm.weight", width);
    vector(sketch, "rope_freqs.weight", width / 4);
    matrix(sketch, "token_embd.weight", format, vocabulary, width);
    matrix(sketch, "blk.0.attn_q.weight", format, width, width);
    matrix(sketch, "blk.0.attn_k.weight", format, width / 2, width);
    matrix(sketch, "blk.0.attn_v.weight", format, width / 2, width);
    matrix(sketch, "blk.0.attn_output.weight", format, width, width);
    matrix(sketch, "blk.0.ffn_gate.weight", format, width, width);
    matrix(sketch, "blk.0.ffn_up.weight", format, width, width);
    matrix(sketch, "blk.0.ffn_down.weight", format, width, width);
    return sketch;
  }

  private static void vector(GgufSketch sketch, String name, int length) {
    var ones = new float[length];
    java.util.Arrays.fill(ones, 1f);
    var bytes = new byte[4 * length];
    QuantFormat.F32.encode(ones, 0, MemorySegment.ofArray(bytes), 0, length);
    sketch.tensor(name, 0, bytes, length);
  }

  private static void matrix(
      GgufSketch sketch, String name, QuantFormat format, int rows, int columns) {
    var bytes = new byte[(int) format.bytes((long) rows * columns)];
    sketch.tensor(name, format.ggmlType(), bytes, columns, rows);
  }

  @Override
  public Input next(RandomGenerator random) throws IOException {
    GgufSketch sketch = seeds.get(random.nextInt(seeds.size())).copy();
    int changes = random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      sketch.mutate(random);
    }
    byte[] bytes = sketch.write();
    if (changes == 0 || random.nextInt(4) == 0) {
      bytes = ByteMutator.mutate(bytes, random);
    }
    String text = Texts.next(random);
    Files.write(file, bytes);
    return new ModelFile(file, bytes, text);
  }

  @Override
  public Input of(byte[] bytes) throws IOException {
    Files.write(file, bytes);
    return new ModelFile(file, bytes, "a\u00e9 </s>");
  }

  @Override
  public void close() throws IOException {
    Files.deleteIfExists(file);
  }

  private record ModelFile(Path file, byte[] dump, String text) implements Input {
    @Override
    public long bytes() {
      return dump.length;
    }

    @Override
    public void read() throws IOException {
      try (Model model = Model.open(file)) {
        model.name();
        model.chatTemplate();
        model.parameters();
        model.spec().parametersPerToken();
        model.requireFinite();
        Tensor embedding = model.weights().tokenEmbedding();
        var row = new float[embedding.columns()];
        embedding.decodeRow(embedding.rows() - 1, row);
        TokenizerSeed.use(model.tokenizer(), text);
      }
    }

    @Override
    public boolean documents(Throwable e) {
      return e instanceof ModelFormatException || e instanceof IOException;
    }
  }
}
