package dev.weft.kernels.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The device code of an operation and how many threads a work group has. Parameters of a call, in
 * this order: rows; begin and stride of the input; begin and stride of the output; and what each
 * says. Offsets count in elements of the array they point into.
 */
enum Kernel {
  /** Elements; begin. */
  ZERO(RowKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          RowKernels::zero,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          slot);
    }
  },

  /** 5 columns, 6 where in {@code step} the rows to take are. */
  GATHER(RowKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          RowKernels::gather,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          slot);
    }
  },

  /**
   * 5 columns, 6 weight and 7 epsilon in {@code vectors}, 8 begin of the powers of the rows that
   * come out, or -1.
   */
  RMS_NORM(RowKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          RowKernels::rmsNorm,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.vectors().floats(),
          a.tables().floats(),
          slot);
    }
  },

  /** 3 column of the first head, 5 elements of a head, 6 weight and 7 epsilon. */
  NORM_HEADS(RowKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          RowKernels::normHeads,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.vectors().floats(),
          slot);
    }
  },

  /** 5 columns; what is added is the output's place. */
  ADD(RowKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task, RowKernels::add, new KernelContext(), a.base(), a.step(), a.arena().floats(), slot);
    }
  },

  /** 5 columns, 6 bias in {@code vectors}. */
  ADD_BIAS(RowKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          RowKernels::addBias,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.vectors().floats(),
          slot);
    }
  },

  /** 5 columns, 6 where in {@code step} the rows to add to are, 7 begin of the factors. */
  ADD_SCALED(RowKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          RowKernels::addScaled,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          slot);
    }
  },

  /** 5 width, 6 column of the second factor. */
  SWI_GLU(RowKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          RowKernels::swiGlu,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          slot);
    }
  },

  /**
   * 5 words of a row, 6 words of it that lie together, 7 begin of words, 8 of scales, 9 where in
   * {@code step} the rows are, 10 words that a row takes.
   */
  EMBED(RowKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          MatmulKernels::embed,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.tables().floats(),
          a.first().ints(),
          a.second().floats(),
          slot,
          a.format());
    }
  },

  /** 4 begin of two numbers a row, 5 columns. */
  ROW_POWERS(TensorKernels.WIDE_GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          TensorKernels::rowPowers,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.tables().floats(),
          slot);
    }
  },

  /** 3 begin in the halves, 4 begin of the rows' powers, 5 columns, 6 words of eight rows. */
  TO_HALVES(RowKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          TensorKernels::toHalves,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.halves().ints(),
          slot);
    }
  },

  /**
   * 3 begin of the sums, 4 of the rows' powers, 5 columns, 7 begin of words, 8 of scales, 9 slices,
   * 10 pairs of steps of the inner dimension, 11 tokens of the sums, 12 tiles of output rows.
   */
  TENSOR_FEW(TensorKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          TensorKernels::few,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.first().ints(),
          a.second().floats(),
          slot,
          a.format());
    }
  },

  /** The same; 1 begin in the halves. */
  TENSOR_MANY(TensorKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          TensorKernels::many,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.halves().ints(),
          a.first().ints(),
          a.second().floats(),
          slot,
          a.format());
    }
  },

  /**
   * 1 begin of the sums, 2 their tokens; 5 slices, 6 output rows, 7 tiles of output rows, 8 begin
   * of the rows' powers; 9 and 10 as of {@link #MATMUL_ONE}.
   */
  ADD_SLICES(TensorKernels.WIDE_GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          TensorKernels::addSlices,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          slot);
    }
  },

  /**
   * 5 words of a row, 6 output rows, 7 begin of words, 8 of scales; 9 begin, or -1, and 10 stride
   * of what the product is also added to.
   */
  MATMUL_ONE(MatmulKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          MatmulKernels::oneToken,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.tables().floats(),
          a.first().ints(),
          a.second().floats(),
          slot,
          a.format());
    }
  },

  /** The same. */
  MATMUL_EIGHT(MatmulKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          MatmulKernels::eightTokens,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.tables().floats(),
          a.first().ints(),
          a.second().floats(),
          slot,
          a.format());
    }
  },

  /**
   * 3 to 5 columns of queries, keys and values; 6 elements of a head, 7 query and 8 key heads, 9
   * pairs that are turned, 10 whether they are neighbours, 11 cosines, 12 sines, 13 tokens in
   * {@code step}, 14 begin of the layer in the pages.
   */
  ROPE_AND_STORE(StoreKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          StoreKernels::ropeAndStore,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.vectors().floats(),
          a.first().floats(),
          a.second().floats(),
          slot);
    }
  },

  /**
   * 5 column of queries, 6 elements of a head, 7 query heads of a key head, 8 key heads, 9 most
   * query heads of a work group, 10 blocks of tokens in {@code step}, 11 window, 12 scale, 13
   * tokens in {@code step}, 14 begin of the layer in the pages.
   */
  ATTENTION(AttentionKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          AttentionKernels::attention,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.vectors().floats(),
          a.first().floats(),
          a.second().floats(),
          slot);
    }
  },

  /** The same for f16 and q8_0; 15 begin of the layer in the scales. */
  ROPE_AND_STORE_PACKED(StoreKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          StoreKernels::ropeAndStorePacked,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.vectors().floats(),
          a.first().ints(),
          a.second().ints(),
          a.keyScales().floats(),
          a.valueScales().floats(),
          slot,
          a.format());
    }
  },

  /** The same for f16 and q8_0; 15 begin of the layer in the scales. */
  ATTENTION_PACKED(AttentionKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          AttentionKernels::attentionPacked,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.vectors().floats(),
          a.tables().floats(),
          a.first().ints(),
          a.second().ints(),
          a.keyScales().floats(),
          a.valueScales().floats(),
          slot,
          a.format());
    }
  },

  /**
   * 3 begin of what is found, 4 begin of what is found of slices; 5 tokens, 6 tokens of a slice, 7
   * slices, 8 most tokens of a row that are asked for, 9 where in {@code step} pairs of a row and
   * its count are, 10 infinity in {@code vectors}. What is found: {@code [asked][slices or
   * 1][logits, tokens][most]}.
   */
  TOP_OF_SLICE(TopKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          TopKernels::topOfSlice,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.vectors().floats(),
          slot);
    }
  },

  /** The same. */
  TOP_OF_ROW(TopKernels.GROUP) {
    @Override
    void add(TaskGraph graph, String task, Arrays a, int slot) {
      graph.task(
          task,
          TopKernels::topOfRow,
          new KernelContext(),
          a.base(),
          a.step(),
          a.arena().floats(),
          a.vectors().floats(),
          slot);
    }
  };

  /** Parameters of a call, the last two of which are written for all kernels alike. */
  static final int PARAMETERS = 18;

  /**
   * Which parameter says how many items a call has side by side. Item {@code x + GROUPS_X y} is for
   * one work group, as long as there are no more items than work groups: else a work group takes
   * several, one after the other. Kernels of single elements count these themselves.
   */
  static final int GROUPS_X = 16;

  /** Which one says how many rows of those there are. */
  static final int GROUPS_Y = 17;

  private final int group;

  Kernel(int group) {
    this.group = group;
  }

  /** Threads of a work group. */
  int group() {
    return group;
  }

  /** Whether it is the last of a product, which it also adds where it is told to. */
  boolean endsProduct() {
    return this == MATMUL_ONE || this == MATMUL_EIGHT || this == ADD_SLICES;
  }

  /** Makes it a task of a graph, whose parameters are the {@code slot}-th of the graph's. */
  abstract void add(TaskGraph graph, String task, Arrays a, int slot);

  /**
   * What a task works on: the arrays of all programs, and its own.
   *
   * @param first words of weights, or keys
   * @param second scales, or values
   * @param format of the weights, or of keys and values
   */
  record Arrays(
      IntArray base,
      IntArray step,
      DeviceArray arena,
      DeviceArray vectors,
      DeviceArray tables,
      DeviceArray halves,
      DeviceArray first,
      DeviceArray second,
      DeviceArray keyScales,
      DeviceArray valueScales,
      int format) {}
}
