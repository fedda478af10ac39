package dev.weft.kernels.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.kernels.kv.HostKvCache;
import dev.weft.kernels.kv.KvConfig;
import dev.weft.kernels.kv.KvLayout;
import org.junit.jupiter.api.Test;

class MemoryBudgetTest {
  @Test
  void refusesWithNumbersAndGivesBackWhatIsClosed() {
    var budget = new MemoryBudget(3 << 20);
    OffHeap first = budget.allocate("first", 2 << 20);
    assertThatThrownBy(() -> budget.allocate("weights of x", 2 << 20))
        .isInstanceOf(MemoryBudgetException.class)
        .hasMessageContaining("weights of x needs 2.0 MiB")
        .hasMessageContaining("budget of 3.0 MiB only 1.0 MiB");
    first.close();
    first.close();
    assertThat(budget.usedBytes()).isZero();
    budget.allocate("again", 3 << 20).close();
  }

  @Test
  void aCacheThatDoesNotFitLeavesNothingBehind() {
    var layout = new KvLayout(4, 2, 64);
    var budget = new MemoryBudget(layout.bytesPerPage() * 10);
    assertThatThrownBy(() -> new HostKvCache(layout, new KvConfig(11), budget))
        .isInstanceOf(MemoryBudgetException.class);
    assertThat(budget.usedBytes()).isZero();
    try (var cache = new HostKvCache(layout, new KvConfig(10), budget)) {
      assertThat(budget.usedBytes()).isEqualTo(10 * layout.bytesPerPage());
      assertThat(cache.pages()).isEqualTo(10);
    }
    assertThat(budget.usedBytes()).isZero();
  }
}
