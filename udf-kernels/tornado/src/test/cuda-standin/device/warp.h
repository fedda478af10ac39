// What the lanes of a warp do together: shuffles, votes, matrix loads and products. The layouts of fragments are those of the
// PTX manual (mma.m16n8k16, mma.m16n8k32, ldmatrix).
#pragma once

namespace standin {

inline void together(unsigned mask, const char *what, int line, void (*act)(Thread *, void **, unsigned), void *mine) {
  standin_self->services->together(standin_self, mask, what, line, act, mine);
}

inline void syncWarp(int line, unsigned mask = 0xffffffffu) {
  together(mask, "__syncwarp", line, [](Thread *t, void **, unsigned) { t->warp->epoch++; }, nullptr);
}

template <class T>
struct Shuffle {
  T value, result;
  int by, width;
};

// Mode 0: the lane itself, 1: up, 2: down, 3: exclusive or. A lane outside of its segment reads its own value.
template <int MODE, class T>
inline T shuffle(int line, unsigned mask, T value, int by, int width = 32) {
  Shuffle<T> mine = {value, value, by, width};
  together(
      mask, "__shfl_sync", line,
      [](Thread *t, void **lanes, unsigned mask) {
        for (int lane = 0; lane < 32; lane++) {
          if (!(mask >> lane & 1)) continue;
          Shuffle<T> &s = *(Shuffle<T> *) lanes[lane];
          int from = lane / s.width * s.width, to = from + s.width, other;
          if (MODE == 0) other = from + (s.by & (s.width - 1));
          else if (MODE == 1) other = lane - s.by;
          else if (MODE == 2) other = lane + s.by;
          else other = lane ^ s.by;
          if (other < from || other >= to) continue;
          if (!(mask >> other & 1)) {
            t->services->fail(t, "__shfl_sync reads a lane that does not take part");
            return;
          }
          s.result = ((Shuffle<T> *) lanes[other])->value;
        }
      },
      &mine);
  return mine.result;
}

struct Vote {
  bool test;
  unsigned result;
};

inline unsigned ballot(int line, unsigned mask, bool test) {
  Vote mine = {test, 0};
  together(
      mask, "__ballot_sync", line,
      [](Thread *, void **lanes, unsigned mask) {
        unsigned all = 0;
        for (int lane = 0; lane < 32; lane++) {
          if (mask >> lane & 1 && ((Vote *) lanes[lane])->test) all |= 1u << lane;
        }
        for (int lane = 0; lane < 32; lane++) {
          if (mask >> lane & 1) ((Vote *) lanes[lane])->result = all;
        }
      },
      &mine);
  return mine.result;
}

// --- Shared memory by 32-bit addresses --------------------------------------------------------------------------------------

// As on a device, the first kilobyte is not the program's.
constexpr unsigned SHARED_BASE = 1024;

inline unsigned toShared(const void *p) {
  const Block *b = standin_self->block;
  size_t at = (const char *) p - b->shared;
  if (at >= b->sharedBytes) {
    standin_self->services->fail(standin_self, "cvta.to.shared of an address outside of the block's shared memory");
  }
  return (unsigned) at + SHARED_BASE;
}

inline char *fromShared(Thread *t, unsigned address, unsigned bytes) {
  unsigned at = address - SHARED_BASE;
  if (at + bytes > t->block->sharedBytes || address < SHARED_BASE) t->services->fail(t, "address outside of the block's shared memory");
  if (address % bytes != 0) t->services->fail(t, "misaligned address in shared memory");
  return t->block->shared + at;
}

#ifdef STANDIN_RACES
inline void sharedReads(const void *, size_t, const char *, size_t);
inline void sharedWrites(const void *, size_t, const char *, size_t);
#endif

struct Load {
  unsigned address;
  unsigned r[4];
};

template <int N, bool TRANSPOSED>
inline void ldmatrix(int line, unsigned *r, unsigned address) {
  Load mine = {address, {}};
#ifdef STANDIN_RACES
  if (standin_self->lane < 8 * N) sharedReads(fromShared(standin_self, address, 16), 16, "ldmatrix", address);
#endif
  together(
      0xffffffffu, "ldmatrix", line,
      [](Thread *t, void **lanes, unsigned) {
        for (int m = 0; m < N; m++) {
          const uint16_t *rows[8];
          for (int i = 0; i < 8; i++) rows[i] = (const uint16_t *) fromShared(t, ((Load *) lanes[m * 8 + i])->address, 16);
          for (int lane = 0; lane < 32; lane++) {
            int a = lane / 4, b = lane % 4 * 2;
            uint16_t low = TRANSPOSED ? rows[b][a] : rows[a][b];
            uint16_t high = TRANSPOSED ? rows[b + 1][a] : rows[a][b + 1];
            ((Load *) lanes[lane])->r[m] = low | (unsigned) high << 16;
          }
        }
      },
      &mine);
  std::memcpy(r, mine.r, N * sizeof(unsigned));
}

// --- Copies that come later -------------------------------------------------------------------------------------------------

template <unsigned BYTES>
inline void cpAsync(unsigned to, const void *from) {
  if ((uintptr_t) from % BYTES != 0) standin_self->services->fail(standin_self, "misaligned source of cp.async");
  char *p = fromShared(standin_self, to, BYTES);
#ifdef STANDIN_RACES
  sharedWrites(p, BYTES, "cp.async", to);
#endif
  standin_self->services->copyLater(standin_self, p, from, BYTES);
}
inline void cpAsyncCommit() { standin_self->services->commitCopies(standin_self); }
inline void cpAsyncWait(int groups) { standin_self->services->waitCopies(standin_self, groups); }

// --- Products of matrices ---------------------------------------------------------------------------------------------------

inline float ofE4M3(unsigned v) {
  int e = v >> 3 & 15, m = v & 7;
  float f = e == 15 && m == 7 ? __builtin_nanf("") : e == 0 ? ::ldexp((float) m, -9) : ::ldexp((float) (8 + m), e - 10);
  return v & 0x80 ? -f : f;
}

struct F16 {
  typedef uint16_t Element;
  typedef float Sum;
  static float of(uint16_t v) { return (float) bits<_Float16>(v); }
};
struct BF16 {
  typedef uint16_t Element;
  typedef float Sum;
  static float of(uint16_t v) { return bits<float>((unsigned) v << 16); }
};
struct E4M3 {
  typedef uint8_t Element;
  typedef float Sum;
  static float of(uint8_t v) { return ofE4M3(v); }
};
struct E5M2 {
  typedef uint8_t Element;
  typedef float Sum;
  static float of(uint8_t v) { return F16::of((uint16_t) (v << 8)); }
};
struct S8 {
  typedef int8_t Element;
  typedef int Sum;
  static int of(int8_t v) { return v; }
};

template <class S>
struct Product {
  unsigned a[4], b[2];
  S c[4], d[4];
};

// A sum of exact products and c, and how it is rounded (STANDIN_MMA). 0, exact: once, at the end. 1, chain: after each product, in
// order. 2, truncate: as some devices were measured to do, all are cut to 25 bits below the greatest, and so is the sum.
inline float sum(const float *a, const float *b, int n, float c, int how) {
  if (how == 1) {
    for (int i = 0; i < n; i++) c = ::fma(a[i], b[i], c);
    return c;
  }
  double total = c;
  bool finite = ::isfinite(c);
  int greatest = c == 0 ? -10000 : __builtin_ilogb(c);
  for (int i = 0; i < n; i++) {
    double p = (double) a[i] * b[i];
    finite = finite && ::isfinite(p);
    if (p != 0 && finite) greatest = ::max(greatest, __builtin_ilogb(p));
    total += p;
  }
  if (how == 0 || !finite || total == 0) return (float) total;
  double unit = ::ldexp(1.0, greatest - 25), cut = ::trunc((double) c / unit);
  for (int i = 0; i < n; i++) cut += ::trunc((double) a[i] * b[i] / unit);
  double result = cut * unit;
  float f = (float) result;
  return ::fabs((double) f) > ::fabs(result) ? __builtin_nextafterf(f, 0.0f) : f;
}
inline int sum(const int *a, const int *b, int n, int c, int) {
  for (int i = 0; i < n; i++) c = (int) ((unsigned) c + (unsigned) (a[i] * b[i]));
  return c;
}

// d = a * b + c; a is 16 x K by rows, b is K x 8 by columns, K = 32 bytes of elements.
template <class T, class S = typename T::Sum>
inline void mma(int line, S *d, const unsigned *a, const unsigned *b, const S *c) {
  Product<S> mine;
  std::memcpy(mine.a, a, sizeof mine.a);
  std::memcpy(mine.b, b, sizeof mine.b);
  std::memcpy(mine.c, c, sizeof mine.c);
  together(
      0xffffffffu, "mma.sync", line,
      [](Thread *t, void **lanes, unsigned) {
        typedef typename T::Element E;
        constexpr int PACKED = 4 / sizeof(E), K = 8 * PACKED;
        S a[16][K], b[8][K];
        for (int lane = 0; lane < 32; lane++) {
          const Product<S> &p = *(Product<S> *) lanes[lane];
          int group = lane / 4, at = lane % 4 * PACKED;
          for (int r = 0; r < 4; r++) {
            E e[PACKED];
            std::memcpy(e, &p.a[r], 4);
            for (int i = 0; i < PACKED; i++) a[group + r % 2 * 8][at + r / 2 * (K / 2) + i] = T::of(e[i]);
          }
          for (int r = 0; r < 2; r++) {
            E e[PACKED];
            std::memcpy(e, &p.b[r], 4);
            for (int i = 0; i < PACKED; i++) b[group][at + r * (K / 2) + i] = T::of(e[i]);
          }
        }
        for (int lane = 0; lane < 32; lane++) {
          Product<S> &p = *(Product<S> *) lanes[lane];
          for (int r = 0; r < 4; r++) {
            p.d[r] = sum(a[lane / 4 + r / 2 * 8], b[lane % 4 * 2 + r % 2], K, p.c[r], t->block->mma);
          }
        }
      },
      &mine);
  std::memcpy(d, mine.d, sizeof mine.d);
}

inline int dp4aSigned(int a, int b, int c) { return __dp4a(a, b, c); }
inline unsigned dp4aUnsigned(unsigned a, unsigned b, unsigned c) { return __dp4a(a, b, c); }

}  // namespace standin
