package dev.weft.benchmarks.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.ModelFormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Whole Hugging Face folders: configuration, weights that fit it, tokenizer and its settings. */
final class FolderTarget implements FuzzTarget {
  private static final List<String> NAMES =
      List.of("config.json", "tokenizer.json", "tokenizer_config.json");
  private static final int WIDTH = 8;
  private static final int VOCABULARY = 264;
  private static final List<String> TYPES =
      List.of("llama", "mistral", "qwen2", "qwen3", "phi3", "mixtral");
  private static final String CONFIG =
      """
      {"model_type":"%s","hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,\
      "num_key_value_heads":1,"head_dim":4,"intermediate_size":8,"vocab_size":264,\
      "max_position_embeddings":64,"rms_norm_eps":1e-5,"rope_theta":10000.0,"sliding_window":16,\
      "rope_scaling":{"rope_type":"linear","factor":2.0},"num_local_experts":2,\
      "num_experts_per_tok":1,"tie_word_embeddings":true,"bos_token_id":256,"eos_token_id":[257]}""";
  private static final String SETTINGS =
      """
      {"bos_token":"<s>","eos_token":{"content":"</s>"},"add_bos_token":true,\
      "chat_template":"{%% for m in messages %%}{{ m.content }}{%% endfor %%}"}""";
  private static final String TOKENIZER =
      """
      {"added_tokens":[{"id":256,"content":"<s>","special":true},\
      {"id":257,"content":"</s>","special":true,"lstrip":true,"rstrip":true}],\
      "normalizer":{"type":"NFC"},"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},\
      "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},\
      {"Sequence":{"id":"A"}}]},"model":{"type":"BPE","vocab":{%s,"ab":258,"abc":259},\
      "merges":["a b",["ab","c"]],"ignore_merges":true}}""";

  private final Path folder = SafetensorsTarget.inMemory();
  private final Map<String, byte[]> weights = new TreeMap<>();
  private final String tokenizer = TOKENIZER.formatted(bytes());

  FolderTarget() throws IOException {
    for (String type : TYPES) {
      weights.put(type, weights(type));
    }
    // A sound folder first: no case is charged for loading the reader's classes.
    String[] texts = texts("llama");
    write(
            "llama",
            List.of(texts[0].getBytes(UTF_8), texts[1].getBytes(UTF_8), texts[2].getBytes(UTF_8)))
        .read();
  }

  /** A sound {@code config.json}, {@code tokenizer.json} and {@code tokenizer_config.json}. */
  private String[] texts(String type) {
    return new String[] {CONFIG.formatted(type), tokenizer, SETTINGS.formatted()};
  }

  private Folder write(String type, List<byte[]> files) throws IOException {
    var dump = new ByteArrayOutputStream();
    for (int i = 0; i < files.size(); i++) {
      Files.write(folder.resolve(NAMES.get(i)), files.get(i));
      dump.writeBytes(files.get(i));
      dump.write('\n');
    }
    byte[] data = weights.get(type);
    Files.write(folder.resolve("model.safetensors"), data);
    return new Folder(folder, dump.size() + data.length, dump.toByteArray(), "a <s> b");
  }

  /** The vocabulary of GPT-2's stand-ins for bytes. */
  private static String bytes() {
    return IntStream.range(0, 256)
        .mapToObj(
            b -> {
              boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
              int shift = b < '!' ? 0 : b < 0xAD ? 33 - 0x7F : 67 - 0xAD;
              return "\"\\u%04x\":%d".formatted(printable ? b : 0x100 + b + shift, b);
            })
        .collect(Collectors.joining(","));
  }

  private static byte[] weights(String type) throws IOException {
    var shapes = new TreeMap<String, String>();
    shapes.put("model.embed_tokens", VOCABULARY + "," + WIDTH);
    shapes.put("model.norm", "" + WIDTH);
    String layer = "model.layers.0.";
    shapes.put(layer + "input_layernorm", "8");
    shapes.put(layer + "post_attention_layernorm", "8");
    shapes.put(layer + "self_attn.o_proj", "8,8");
    if (type.equals("phi3")) {
      shapes.put(layer + "self_attn.qkv_proj", "16,8");
      shapes.put(layer + "mlp.gate_up_proj", "16,8");
      shapes.put(layer + "mlp.down_proj", "8,8");
    } else {
      shapes.put(layer + "self_attn.q_proj", "8,8");
      shapes.put(layer + "self_attn.k_proj", "4,8");
      shapes.put(layer + "self_attn.v_proj", "4,8");
    }
    if (type.equals("qwen3")) {
      shapes.put(layer + "self_attn.q_norm", "4");
      shapes.put(layer + "self_attn.k_norm", "4");
    }
    if (type.equals("mixtral")) {
      shapes.put(layer + "block_sparse_moe.gate", "2,8");
      for (String part : List.of("0.w1", "0.w2", "0.w3", "1.w1", "1.w2", "1.w3")) {
        shapes.put(layer + "block_sparse_moe.experts." + part, "8,8");
      }
    } else if (!type.equals("phi3")) {
      for (String part : List.of("gate_proj", "up_proj", "down_proj")) {
        shapes.put(layer + "mlp." + part, "8,8");
      }
    }
    Map<String, String> named = new TreeMap<>();
    shapes.forEach((name, shape) -> named.put(name + ".weight", shape));
    if (type.equals("qwen2")) {
      named.put(layer + "self_attn.q_proj.bias", "8");
      named.put(layer + "self_attn.k_proj.bias", "4");
      named.put(layer + "self_attn.v_proj.bias", "4");
    }
    var header = new StringBuilder("{");
    int at = 0;
    for (Map.Entry<String, String> tensor : named.entrySet()) {
      int bytes = 2;
      for (String dimension : tensor.getValue().split(",")) {
        bytes *= Integer.parseInt(dimension);
      }
      header
          .append(at == 0 ? "" : ",")
          .append(
              "\"%s\":{\"dtype\":\"F16\",\"shape\":[%s],\"data_offsets\":[%d,%d]}"
                  .formatted(tensor.getKey(), tensor.getValue(), at, at + bytes));
      at += bytes;
    }
    byte[] json = header.append('}').toString().getBytes(UTF_8);
    return ByteBuffer.allocate(8 + json.length + at)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  @Override
  public String name() {
    return "folder";
  }

  @Override
  public Input next(RandomGenerator random) throws IOException {
    String type = TYPES.get(random.nextInt(TYPES.size()));
    String[] texts = texts(type);
    for (int n = random.nextInt(4); n > 0; n--) {
      int which = random.nextInt(texts.length);
      texts[which] = SafetensorsTarget.mutate(texts[which], random);
    }
    List<byte[]> files = new ArrayList<>();
    for (String text : texts) {
      byte[] bytes = text.getBytes(UTF_8);
      files.add(random.nextInt(40) == 0 ? ByteMutator.mutate(bytes, random) : bytes);
    }
    return write(type, files).withText(Texts.next(random));
  }

  @Override
  public void close() throws IOException {
    for (String name : NAMES) {
      Files.deleteIfExists(folder.resolve(name));
    }
    Files.deleteIfExists(folder.resolve("model.safetensors"));
    Files.deleteIfExists(folder);
  }

  private record Folder(Path folder, long bytes, byte[] dump, String text) implements Input {
    Folder withText(String other) {
      return new Folder(folder, bytes, dump, other);
    }

    @Override
    public void read() throws IOException {
      try (Model model = Model.open(folder)) {
        model.chatTemplate();
        model.spec().parametersPerToken();
        model.requireFinite();
        TokenizerSeed.use(model.tokenizer(), text);
      }
    }

    @Override
    public boolean documents(Throwable e) {
      return e instanceof ModelFormatException || e instanceof IOException;
    }
  }
}
