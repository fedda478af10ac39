// Put before each kernel when it is compiled for the processor: CUDA's built-in names, as far as TornadoVM emits them.
#pragma once
// Few headers: each kernel is compiled by itself, and <cmath> alone took longer than all the rest.
#include <cstdint>
#include <cstring>
#include <utility>

#include "../runtime.h"

// The switch between threads of a block saves and restores this register (compiled with -ffixed-r15).
register standin::Thread *standin_self __asm__("r15");

#define __global__
#define __device__ static
#define __host__
#define __constant__ static const
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))

#define threadIdx (standin_self->threadIdx)
#define blockIdx (standin_self->blockIdx)
#define blockDim (standin_self->blockDim)
#define gridDim (standin_self->gridDim)
#define warpSize 32

#define __syncthreads() (standin_self->services->barrier(standin_self, __LINE__))
#define __syncwarp(...) (standin::syncWarp(__LINE__, ##__VA_ARGS__))
#define __threadfence() ((void) 0)
#define __threadfence_block() ((void) 0)
#define __threadfence_system() ((void) 0)
#define __shfl_sync(...) (standin::shuffle<0>(__LINE__, __VA_ARGS__))
#define __shfl_up_sync(...) (standin::shuffle<1>(__LINE__, __VA_ARGS__))
#define __shfl_down_sync(...) (standin::shuffle<2>(__LINE__, __VA_ARGS__))
#define __shfl_xor_sync(...) (standin::shuffle<3>(__LINE__, __VA_ARGS__))
#define __ballot_sync(...) (standin::ballot(__LINE__, __VA_ARGS__))
#define __any_sync(...) (standin::ballot(__LINE__, __VA_ARGS__) != 0)
#define __all_sync(mask, test) (standin::ballot(__LINE__, mask, !(test)) == 0)

// --- Vectors -------------------------------------------------------------------------------------------------------------

#define STANDIN_VECTORS(T, N, A2, A4)                                                \
  struct __attribute__((aligned(A2))) N##2 { T x, y; };                              \
  struct N##3 { T x, y, z; };                                                        \
  struct __attribute__((aligned(A4))) N##4 { T x, y, z, w; };                        \
  static inline N##2 make_##N##2(T x, T y) { return {x, y}; }                        \
  static inline N##3 make_##N##3(T x, T y, T z) { return {x, y, z}; }                \
  static inline N##4 make_##N##4(T x, T y, T z, T w) { return {x, y, z, w}; }
STANDIN_VECTORS(signed char, char, 2, 4)
STANDIN_VECTORS(unsigned char, uchar, 2, 4)
STANDIN_VECTORS(short, short, 4, 8)
STANDIN_VECTORS(unsigned short, ushort, 4, 8)
STANDIN_VECTORS(int, int, 8, 16)
STANDIN_VECTORS(unsigned int, uint, 8, 16)
STANDIN_VECTORS(long, long, 16, 16)
STANDIN_VECTORS(long long, longlong, 16, 16)
STANDIN_VECTORS(float, float, 8, 16)
STANDIN_VECTORS(double, double, 16, 16)

// --- Numbers -------------------------------------------------------------------------------------------------------------

namespace standin {
template <class To, class From>
inline To bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "sizes differ");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

// cvt.rzi: rounds towards zero, saturates, NaN is 0 (C++ leaves it undefined, the processor gives the least integer).
template <class To, class From>
inline To convert(From v) {
  if constexpr (std::is_floating_point<From>::value) {
    constexpr int digits = sizeof(To) * 8 - (To(-1) < To(0) ? 1 : 0);
    if (v != v) return 0;
    const From limit = From(sizeof(From) == 4 ? __builtin_ldexpf(1.0f, digits) : __builtin_ldexp(1.0, digits));
    if (v >= limit) return To(-1) < To(0) ? To(~(To(1) << (sizeof(To) * 8 - 1))) : To(-1);
    if (To(-1) < To(0) ? v < -limit : v <= From(-1)) return To(-1) < To(0) ? To(To(1) << (sizeof(To) * 8 - 1)) : To(0);
    return (To) v;
  } else {
    return (To) v;
  }
}
}  // namespace standin

static inline float __int_as_float(int v) { return standin::bits<float>(v); }
static inline float __uint_as_float(unsigned v) { return standin::bits<float>(v); }
static inline int __float_as_int(float v) { return standin::bits<int>(v); }
static inline unsigned __float_as_uint(float v) { return standin::bits<unsigned>(v); }
static inline double __longlong_as_double(long long v) { return standin::bits<double>(v); }
static inline long long __double_as_longlong(double v) { return standin::bits<long long>(v); }

#define STANDIN_FUNCTION(name)                                               \
  static inline float name(float v) { return __builtin_##name##f(v); }       \
  static inline double name(double v) { return __builtin_##name(v); }
STANDIN_FUNCTION(acos) STANDIN_FUNCTION(acosh) STANDIN_FUNCTION(asin) STANDIN_FUNCTION(asinh) STANDIN_FUNCTION(atan) STANDIN_FUNCTION(atanh)
STANDIN_FUNCTION(cbrt) STANDIN_FUNCTION(ceil) STANDIN_FUNCTION(cos) STANDIN_FUNCTION(cosh) STANDIN_FUNCTION(erf) STANDIN_FUNCTION(exp)
STANDIN_FUNCTION(exp2) STANDIN_FUNCTION(expm1) STANDIN_FUNCTION(fabs) STANDIN_FUNCTION(floor) STANDIN_FUNCTION(log) STANDIN_FUNCTION(log10)
STANDIN_FUNCTION(log1p) STANDIN_FUNCTION(log2) STANDIN_FUNCTION(rint) STANDIN_FUNCTION(round) STANDIN_FUNCTION(sin) STANDIN_FUNCTION(sinh)
STANDIN_FUNCTION(sqrt) STANDIN_FUNCTION(tan) STANDIN_FUNCTION(tanh) STANDIN_FUNCTION(trunc)
#define STANDIN_FUNCTION_OF_TWO(name)                                                        \
  static inline float name(float a, float b) { return __builtin_##name##f(a, b); }           \
  static inline double name(double a, double b) { return __builtin_##name(a, b); }           \
  static inline double name(float a, double b) { return __builtin_##name(a, b); }            \
  static inline double name(double a, float b) { return __builtin_##name(a, b); }
STANDIN_FUNCTION_OF_TWO(atan2) STANDIN_FUNCTION_OF_TWO(copysign) STANDIN_FUNCTION_OF_TWO(fmax) STANDIN_FUNCTION_OF_TWO(fmin)
STANDIN_FUNCTION_OF_TWO(fmod) STANDIN_FUNCTION_OF_TWO(pow)
#define STANDIN_TEST(name)                                                   \
  static inline bool name(float v) { return __builtin_##name(v); }           \
  static inline bool name(double v) { return __builtin_##name(v); }
STANDIN_TEST(isfinite) STANDIN_TEST(isinf) STANDIN_TEST(isnan) STANDIN_TEST(isnormal) STANDIN_TEST(signbit)
static inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
static inline int abs(int v) { return v < 0 ? -v : v; }
static inline long abs(long v) { return v < 0 ? -v : v; }
static inline long long abs(long long v) { return v < 0 ? -v : v; }
static inline float abs(float v) { return __builtin_fabsf(v); }
static inline double abs(double v) { return __builtin_fabs(v); }
static inline float ldexp(float v, int e) { return __builtin_ldexpf(v, e); }
static inline double ldexp(double v, int e) { return __builtin_ldexp(v, e); }
#define STANDIN_C_NAME(name) static inline float name##f(float v) { return name(v); }
STANDIN_C_NAME(exp) STANDIN_C_NAME(log) STANDIN_C_NAME(sqrt) STANDIN_C_NAME(fabs) STANDIN_C_NAME(sin) STANDIN_C_NAME(cos) STANDIN_C_NAME(tanh)
STANDIN_C_NAME(floor) STANDIN_C_NAME(ceil) STANDIN_C_NAME(trunc) STANDIN_C_NAME(rint) STANDIN_C_NAME(exp2) STANDIN_C_NAME(log2)
static inline float fmaf(float a, float b, float c) { return fma(a, b, c); }
static inline float fminf(float a, float b) { return fmin(a, b); }
static inline float fmaxf(float a, float b) { return fmax(a, b); }
static inline float powf(float a, float b) { return pow(a, b); }

static inline float rsqrt(float v) { return (float) (1.0 / ::sqrt((double) v)); }
static inline double rsqrt(double v) { return 1.0 / ::sqrt(v); }
static inline float rsqrtf(float v) { return rsqrt(v); }
static inline float sinpi(float v) { return (float) ::sin(3.14159265358979323846 * v); }
static inline double sinpi(double v) { return ::sin(3.14159265358979323846 * v); }
static inline float cospi(float v) { return (float) ::cos(3.14159265358979323846 * v); }
static inline double cospi(double v) { return ::cos(3.14159265358979323846 * v); }
#define __expf(v) (exp((float) (v)))
#define __logf(v) (::log((float) (v)))
#define __sinf(v) (::sin((float) (v)))
#define __cosf(v) (::cos((float) (v)))
static inline float __fdividef(float a, float b) { return a / b; }
static inline float __fmaf_rn(float a, float b, float c) { return ::fma(a, b, c); }
static inline float __fsqrt_rn(float v) { return ::sqrt(v); }
static inline float __frcp_rn(float v) { return 1.0f / v; }
static inline float __fdiv_rn(float a, float b) { return a / b; }
// Never joined with another operation, as in CUDA.
static inline float __fmul_rn(float a, float b) { float r = a * b; __asm__("" : "+x"(r)); return r; }
static inline float __fadd_rn(float a, float b) { float r = a + b; __asm__("" : "+x"(r)); return r; }
static inline float __fsub_rn(float a, float b) { float r = a - b; __asm__("" : "+x"(r)); return r; }
static inline double __dmul_rn(double a, double b) { double r = a * b; __asm__("" : "+x"(r)); return r; }
static inline double __dadd_rn(double a, double b) { double r = a + b; __asm__("" : "+x"(r)); return r; }

#define STANDIN_MIN_MAX(T)                                    \
  static inline T min(T a, T b) { return b < a ? b : a; }     \
  static inline T max(T a, T b) { return a < b ? b : a; }
STANDIN_MIN_MAX(int)
STANDIN_MIN_MAX(unsigned)
STANDIN_MIN_MAX(long)
STANDIN_MIN_MAX(unsigned long)
STANDIN_MIN_MAX(long long)
STANDIN_MIN_MAX(unsigned long long)
static inline float min(float a, float b) { return ::fmin(a, b); }
static inline float max(float a, float b) { return ::fmax(a, b); }
static inline double min(double a, double b) { return ::fmin(a, b); }
static inline double max(double a, double b) { return ::fmax(a, b); }

static inline int __popc(unsigned v) { return __builtin_popcount(v); }
static inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
static inline int __clz(int v) { return v == 0 ? 32 : __builtin_clz(v); }
static inline int __clzll(long long v) { return v == 0 ? 64 : __builtin_clzll(v); }
static inline int __ffs(int v) { return __builtin_ffs(v); }
static inline unsigned __brev(unsigned v) {
  unsigned r = 0;
  for (int i = 0; i < 32; i++) r |= (v >> i & 1u) << (31 - i);
  return r;
}
static inline int __mulhi(int a, int b) { return (int) (((long long) a * b) >> 32); }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned) (((unsigned long long) a * b) >> 32); }
static inline int __dp4a(int a, int b, int c) {
  for (int i = 0; i < 4; i++) c += (int8_t) (a >> 8 * i) * (int8_t) (b >> 8 * i);
  return c;
}
static inline unsigned __dp4a(unsigned a, unsigned b, unsigned c) {
  for (int i = 0; i < 4; i++) c += (uint8_t) (a >> 8 * i) * (uint8_t) (b >> 8 * i);
  return c;
}

// --- Half precision ------------------------------------------------------------------------------------------------------

struct __half {
  unsigned short raw;
  __half() = default;
  __half(_Float16 v) : raw(standin::bits<unsigned short>(v)) {}
  __half(float v) : __half((_Float16) v) {}
  __half(double v) : __half((_Float16) v) {}
  __half(int v) : __half((_Float16) v) {}
  operator float() const { return (float) standin::bits<_Float16>(raw); }
};
typedef __half half;
struct __attribute__((aligned(4))) __half2 { __half x, y; };
typedef __half2 half2;
struct half3 { __half x, y, z; };
struct half4 { __half x, y, z, w; };
typedef __half __half_raw;

static inline __half standin_half(float v) { return __half(v); }
static inline float __half2float(__half v) { return (float) v; }
static inline __half __float2half(float v) { return __half(v); }
static inline __half __float2half_rn(float v) { return __half(v); }
static inline __half __double2half(double v) { return __half(v); }
static inline unsigned short __half_as_ushort(__half v) { return v.raw; }
static inline short __half_as_short(__half v) { return (short) v.raw; }
static inline __half __ushort_as_half(unsigned short v) { __half h; h.raw = v; return h; }
static inline __half __short_as_half(short v) { return __ushort_as_half((unsigned short) v); }
// One rounding: the exact result of these operations, rounded to f32 and then to f16, is that rounded to f16 at once.
static inline __half operator+(__half a, __half b) { return __half((float) a + (float) b); }
static inline __half operator-(__half a, __half b) { return __half((float) a - (float) b); }
static inline __half operator*(__half a, __half b) { return __half((float) a * (float) b); }
static inline __half operator/(__half a, __half b) { return __half((float) a / (float) b); }
static inline __half operator-(__half a) { return __ushort_as_half(a.raw ^ 0x8000); }
static inline __half &operator+=(__half &a, __half b) { return a = a + b; }
static inline __half &operator-=(__half &a, __half b) { return a = a - b; }
static inline __half &operator*=(__half &a, __half b) { return a = a * b; }
static inline __half &operator/=(__half &a, __half b) { return a = a / b; }
#define STANDIN_HALF_COMPARE(op) static inline bool operator op(__half a, __half b) { return (float) a op (float) b; }
STANDIN_HALF_COMPARE(==)
STANDIN_HALF_COMPARE(!=)
STANDIN_HALF_COMPARE(<)
STANDIN_HALF_COMPARE(<=)
STANDIN_HALF_COMPARE(>)
STANDIN_HALF_COMPARE(>=)
static inline __half __hadd(__half a, __half b) { return a + b; }
static inline __half __hsub(__half a, __half b) { return a - b; }
static inline __half __hmul(__half a, __half b) { return a * b; }
static inline __half __hdiv(__half a, __half b) { return a / b; }
static inline __half __hfma(__half a, __half b, __half c) {
  return __half((_Float16) ((__float128) (float) a * (float) b + (float) c));
}
static inline __half __hmax(__half a, __half b) { return __half(::fmax((float) a, (float) b)); }
static inline __half __hmin(__half a, __half b) { return __half(::fmin((float) a, (float) b)); }
static inline __half __habs(__half a) { return __ushort_as_half(a.raw & 0x7fff); }
static inline __half2 make_half2(__half x, __half y) { return {x, y}; }
static inline __half2 __halves2half2(__half x, __half y) { return {x, y}; }
static inline __half2 __half2half2(__half v) { return {v, v}; }
static inline __half2 __float2half2_rn(float v) { return {__half(v), __half(v)}; }
static inline __half2 __floats2half2_rn(float x, float y) { return {__half(x), __half(y)}; }
static inline __half __low2half(__half2 v) { return v.x; }
static inline __half __high2half(__half2 v) { return v.y; }
static inline float __low2float(__half2 v) { return v.x; }
static inline float __high2float(__half2 v) { return v.y; }
static inline float2 __half22float2(__half2 v) { return {(float) v.x, (float) v.y}; }
static inline __half2 __hadd2(__half2 a, __half2 b) { return {a.x + b.x, a.y + b.y}; }
static inline __half2 __hsub2(__half2 a, __half2 b) { return {a.x - b.x, a.y - b.y}; }
static inline __half2 __hmul2(__half2 a, __half2 b) { return {a.x * b.x, a.y * b.y}; }
static inline __half2 __h2div(__half2 a, __half2 b) { return {a.x / b.x, a.y / b.y}; }
static inline __half2 __hfma2(__half2 a, __half2 b, __half2 c) { return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)}; }
static inline __half2 operator+(__half2 a, __half2 b) { return __hadd2(a, b); }
static inline __half2 operator-(__half2 a, __half2 b) { return __hsub2(a, b); }
static inline __half2 operator*(__half2 a, __half2 b) { return __hmul2(a, b); }
static inline __half2 operator/(__half2 a, __half2 b) { return __h2div(a, b); }

// --- Atomics -------------------------------------------------------------------------------------------------------------

#define STANDIN_ATOMICS(T)                                                                                        \
  static inline T atomicAdd(T *p, T v) { return __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }                     \
  static inline T atomicSub(T *p, T v) { return __atomic_fetch_sub(p, v, __ATOMIC_RELAXED); }                     \
  static inline T atomicAnd(T *p, T v) { return __atomic_fetch_and(p, v, __ATOMIC_RELAXED); }                     \
  static inline T atomicOr(T *p, T v) { return __atomic_fetch_or(p, v, __ATOMIC_RELAXED); }                       \
  static inline T atomicXor(T *p, T v) { return __atomic_fetch_xor(p, v, __ATOMIC_RELAXED); }                     \
  static inline T atomicExch(T *p, T v) { return __atomic_exchange_n(p, v, __ATOMIC_RELAXED); }                   \
  static inline T atomicCAS(T *p, T old, T v) {                                                                   \
    __atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);                           \
    return old;                                                                                                   \
  }                                                                                                               \
  static inline T atomicMin(T *p, T v) { return standin::change(p, [v](T o) { return o < v ? o : v; }); }         \
  static inline T atomicMax(T *p, T v) { return standin::change(p, [v](T o) { return o < v ? v : o; }); }
namespace standin {
template <class T, class F>
inline T change(T *p, F f) {
  T old;
  __atomic_load(p, &old, __ATOMIC_RELAXED);
  for (;;) {
    T next = f(old);
    if (__atomic_compare_exchange(p, &old, &next, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) return old;
  }
}
}  // namespace standin
STANDIN_ATOMICS(int)
STANDIN_ATOMICS(unsigned)
STANDIN_ATOMICS(unsigned long long)
static inline float atomicAdd(float *p, float v) { return standin::change(p, [v](float o) { return o + v; }); }
static inline double atomicAdd(double *p, double v) { return standin::change(p, [v](double o) { return o + v; }); }
static inline unsigned atomicInc(unsigned *p, unsigned v) {
  return standin::change(p, [v](unsigned o) { return o >= v ? 0u : o + 1; });
}
static inline unsigned atomicDec(unsigned *p, unsigned v) {
  return standin::change(p, [v](unsigned o) { return o == 0 || o > v ? v : o - 1; });
}

#include "warp.h"

// --- Memory that is looked at for races ----------------------------------------------------------------------------------

#ifdef STANDIN_RACES
namespace standin {

// Two accesses of a launch are in order if one thread made both, a barrier of their block lies between them, or a __syncwarp()
// of their warp. Blocks are never in order.
inline bool ordered(unsigned block, unsigned thread, unsigned epoch, unsigned warpEpoch) {
  const Thread *t = standin_self;
  if (block != t->block->number) return false;
  if (thread == t->number || epoch != t->block->epoch) return true;
  return thread / 32 == t->number / 32 && warpEpoch != t->warp->epoch;
}

inline void fresh(Cell &c) {
  if (c.launch != standin_self->block->launch) {
    c = Cell();
    c.launch = standin_self->block->launch;
  }
}

inline void reads(Cell &c, const char *array, size_t index) {
  const Thread *t = standin_self;
  fresh(c);
  if (c.writeEpoch != 0 && !ordered(c.writeBlock, c.writer, c.writeEpoch, c.writeWarpEpoch)) {
    t->services->race(standin_self, "reads what another thread writes", array, index, c.writeBlock, c.writer);
  }
  if (c.readEpoch != 0 && c.readBlock != t->block->number) {
    c.manyReaders = 3;
  } else if (c.readEpoch == t->block->epoch && c.reader != t->number && c.manyReaders < 2) {
    c.manyReaders = c.reader / 32 == t->number / 32 ? 1 : 2;
  } else if (c.readEpoch != t->block->epoch && c.manyReaders < 3) {
    c.manyReaders = 0;
  }
  c.readBlock = t->block->number;
  c.readEpoch = t->block->epoch;
  c.readWarpEpoch = t->warp->epoch;
  c.reader = t->number;
}

inline void writes(Cell &c, const char *array, size_t index) {
  const Thread *t = standin_self;
  fresh(c);
  if (c.writeEpoch != 0 && !ordered(c.writeBlock, c.writer, c.writeEpoch, c.writeWarpEpoch)) {
    t->services->race(standin_self, "writes what another thread writes", array, index, c.writeBlock, c.writer);
  }
  bool safe = c.readEpoch == 0 || ordered(c.readBlock, c.reader, c.readEpoch, c.readWarpEpoch);
  if (c.manyReaders == 3) safe = false;
  if (c.manyReaders == 2 && c.readEpoch == t->block->epoch) safe = false;
  if (c.manyReaders == 1 && c.readEpoch == t->block->epoch && (c.reader / 32 != t->number / 32 || c.readWarpEpoch == t->warp->epoch)) safe = false;
  if (!safe) t->services->race(standin_self, "writes what another thread reads", array, index, c.readBlock, c.reader);
  c.writeBlock = t->block->number;
  c.writeEpoch = t->block->epoch;
  c.writeWarpEpoch = t->warp->epoch;
  c.writer = t->number;
}

inline void sharedReads(const void *p, size_t bytes, const char *array, size_t index) {
  const Block *b = standin_self->block;
  size_t at = (const char *) p - b->shared;
  if (at + bytes > b->sharedBytes) return;
  for (size_t i = 0; i < bytes; i++) reads(b->cells[at + i], array, index);
}

inline void sharedWrites(const void *p, size_t bytes, const char *array, size_t index) {
  const Block *b = standin_self->block;
  size_t at = (const char *) p - b->shared;
  if (at + bytes > b->sharedBytes) return;
  for (size_t i = 0; i < bytes; i++) writes(b->cells[at + i], array, index);
}

template <class T>
struct Ref {
  T *p;
  const char *array;
  size_t index;
  operator T() const {
    sharedReads(p, sizeof(T), array, index);
    return *p;
  }
  Ref &operator=(T v) {
    sharedWrites(p, sizeof(T), array, index);
    *p = v;
    return *this;
  }
  Ref &operator=(const Ref &o) { return *this = (T) o; }
  Ref &operator+=(T v) { return *this = (T) *this + v; }
  Ref &operator-=(T v) { return *this = (T) *this - v; }
  Ref &operator*=(T v) { return *this = (T) *this * v; }
  T *operator&() const { return p; }
};

template <class T, size_t N>
struct Shared {
  char *base;
  const char *name;
  template <class I>
  Ref<T> operator[](I i) const {
    if (i < 0 || (size_t) i >= N) standin_self->services->fail(standin_self, "index of an array in shared memory out of range");
    return {(T *) base + i, name, (size_t) i};
  }
  template <class U>
  operator U *() const { return (U *) base; }
  char *operator+(size_t n) const = delete;
};

template <class T>
struct Global {
  T *p;
  bool isShared() const { return (size_t) ((const char *) p - standin_self->block->shared) < standin_self->block->sharedBytes; }
  operator T() const {
    if (isShared()) {
      sharedReads(p, sizeof(T), "shared memory", (const char *) p - standin_self->block->shared);
    } else if (Cell *c = standin_self->services->globalCell(standin_self, p)) {
      reads(*c, "global memory", (size_t) p);
    }
    return *p;
  }
  Global &operator=(T v) {
    if (isShared()) {
      sharedWrites(p, sizeof(T), "shared memory", (const char *) p - standin_self->block->shared);
    } else if (Cell *c = standin_self->services->globalCell(standin_self, p)) {
      writes(*c, "global memory", (size_t) p);
    }
    *p = v;
    return *this;
  }
  Global &operator=(const Global &o) { return *this = (T) o; }
  T *operator&() const { return p; }
};

template <class T, class A>
inline Global<T> global(A at) { return {(T *) at}; }

}  // namespace standin
#define STANDIN_SHARED(T, name, n, at) const standin::Shared<T, n> name = {standin_self->block->shared + (at), #name}
#else
#define STANDIN_SHARED(T, name, n, at) T(&name)[n] = *(T(*)[n])(standin_self->block->shared + (at))
#endif

// --- The way in ----------------------------------------------------------------------------------------------------------

namespace standin {
template <auto F>
struct Of;
template <class... A, void (*F)(A...)>
struct Of<F> {
  template <size_t... I>
  static void callWith(void **p, std::index_sequence<I...>) { F(*(A *) p[I]...); }
  static void call(void **p) { callWith(p, std::index_sequence_for<A...>()); }
  static constexpr unsigned sizes[sizeof...(A) + 1] = {sizeof(A)..., 0};
};
}  // namespace standin
#define STANDIN_KERNEL(name) \
  extern "C" const standin::Entry standin_entry_##name = {&standin::Of<&name>::call, sizeof(standin::Of<&name>::sizes) / sizeof(unsigned) - 1, standin::Of<&name>::sizes};
