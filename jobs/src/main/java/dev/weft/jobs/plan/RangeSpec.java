package dev.weft.jobs.plan;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.weft.batching.cost.CostModel;
import java.io.Serializable;

/**
 * How ranges are planned on the executors.
 *
 * @param policy name of the policy
 * @param costJson the cost model, whose types are no Java-serializable ones
 * @param limits what an engine holds
 * @param sampledOutputs output lengths of sampled requests of the whole table, for ranges that hold
 *     too few of their own
 */
public record RangeSpec(String policy, String costJson, JobPlan.Limits limits, int[] sampledOutputs)
    implements Serializable {
  private static final JsonMapper JSON = new JsonMapper();

  public static RangeSpec of(
      String policy, CostModel cost, JobPlan.Limits limits, int[] sampledOutputs) {
    try {
      return new RangeSpec(policy, JSON.writeValueAsString(cost), limits, sampledOutputs);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a cost model is plain values", e);
    }
  }

  CostModel cost() {
    try {
      return JSON.readValue(costJson, CostModel.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a cost model is plain values", e);
    }
  }
}
