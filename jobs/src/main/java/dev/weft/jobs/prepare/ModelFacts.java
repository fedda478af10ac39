package dev.weft.jobs.prepare;

import dev.weft.batching.cost.ModelShape;
import dev.weft.jobs.error.ErrorCode;
import dev.weft.jobs.error.WeftException;
import dev.weft.kernels.forward.Transformer;
import dev.weft.kernels.kv.KvFormat;
import dev.weft.kernels.model.LayerWeights;
import dev.weft.kernels.model.Model;
import dev.weft.kernels.model.ModelFormatException;
import dev.weft.kernels.model.Tensor;
import dev.weft.kernels.model.TransformerSpec;
import dev.weft.kernels.template.DefaultTemplate;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What the driver knows of the model.
 *
 * @param name from the file's metadata
 * @param spec its shape
 * @param parameters count of weights
 * @param weightBytes bytes of the weights as stored
 * @param weightFormats share of the parameters in each number format
 * @param chatTemplate the file's chat template, if it has one
 * @param defaultTemplate the template for a model without its own
 */
public record ModelFacts(
    String name,
    TransformerSpec spec,
    long parameters,
    long weightBytes,
    Map<String, Double> weightFormats,
    Optional<String> chatTemplate,
    DefaultTemplate defaultTemplate) {

  /**
   * Opens the model and looks at it.
   *
   * @throws WeftException if the file is broken or not supported
   */
  public static ModelFacts of(Path file) {
    try (Model model = Model.open(file)) {
      model.requireFinite();
      return new ModelFacts(
          model.name(),
          model.spec(),
          model.parameters(),
          model.weightBytes(),
          formats(model),
          model.chatTemplate(),
          DefaultTemplate.forVocabulary(model.tokenizer().specialStrings()));
    } catch (ModelFormatException e) {
      throw new WeftException(ErrorCode.MODEL_UNREADABLE, e.getMessage(), e);
    } catch (IOException e) {
      throw new WeftException(
          ErrorCode.MODEL_UNREADABLE, file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * What the cost model must know.
   *
   * @param kvFormat in which keys and values are stored
   */
  public ModelShape shape(KvFormat kvFormat) {
    long head = (long) spec.vocabSize() * spec.embeddingLength();
    return new ModelShape(
        spec.parametersPerToken() - head,
        spec.layers(),
        spec.attentionWidth(),
        spec.kvWidth(),
        Transformer.kvBytesPerElement(spec, kvFormat),
        (double) weightBytes / Math.max(1, parameters),
        head);
  }

  private static Map<String, Double> formats(Model model) {
    List<Tensor> tensors = new ArrayList<>();
    tensors.add(model.weights().tokenEmbedding());
    tensors.add(model.weights().outputNorm());
    if (!model.spec().tiedOutput()) {
      tensors.add(model.weights().output());
    }
    for (LayerWeights layer : model.weights().layers()) {
      tensors.addAll(layer.tensors());
    }
    Map<String, Double> elements = new TreeMap<>();
    double all = 0;
    for (Tensor tensor : tensors) {
      double count = (double) tensor.rows() * tensor.columns();
      elements.merge(tensor.format().name().toLowerCase(Locale.ROOT), count, Double::sum);
      all += count;
    }
    double sum = all;
    elements.replaceAll((format, count) -> count / sum);
    return elements;
  }
}
