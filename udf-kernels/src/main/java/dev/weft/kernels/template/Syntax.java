package dev.weft.kernels.template;

import dev.weft.kernels.template.TemplateException.Kind;

/** Makes the errors of a template that is not valid. */
record Syntax(int line) {
  TemplateException error(String what) {
    return error(what, "Correct the template or use another one");
  }

  TemplateException error(String what, String hint) {
    return new TemplateException(Kind.SYNTAX, line, what, hint);
  }
}
