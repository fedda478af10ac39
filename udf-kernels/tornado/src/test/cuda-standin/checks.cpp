// Linked to each kernel: what the compiler's checks (-fsanitize) call.
#include <cstdio>

#include "runtime.h"

register standin::Thread *standin_self __asm__("r15");

namespace {
struct Place {
  const char *file;
  unsigned line, column;
};
void fail(void *data, const char *what) {
  char text[200];
  std::snprintf(text, sizeof text, "%s, line %u of the kernel", what, ((Place *) data)->line);
  standin_self->services->fail(standin_self, text);
}
}  // namespace

extern "C" {
void __ubsan_handle_out_of_bounds_abort(void *data, void *) { fail(data, "index of an array out of range"); }
void __ubsan_handle_type_mismatch_v1_abort(void *data, void *) { fail(data, "misaligned address"); }
void __ubsan_handle_shift_out_of_bounds_abort(void *data, void *, void *) { fail(data, "shift by less than nothing or by more than the type has bits"); }
}
