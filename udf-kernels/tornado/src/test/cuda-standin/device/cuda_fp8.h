// FP8 as far as TornadoVM emits it.
#pragma once
typedef unsigned char __nv_fp8_storage_t;
enum __nv_fp8_interpretation_t { __NV_E4M3, __NV_E5M2 };
enum __nv_saturation_t { __NV_NOSAT, __NV_SATFINITE };
static inline __half __nv_cvt_fp8_to_halfraw(__nv_fp8_storage_t v, __nv_fp8_interpretation_t kind) {
  return kind == __NV_E4M3 ? __half(standin::ofE4M3(v)) : __ushort_as_half((unsigned short) (v << 8));
}
