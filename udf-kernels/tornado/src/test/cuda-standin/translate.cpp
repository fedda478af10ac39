#include "translate.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <map>
#include <regex>
#include <stdexcept>

namespace standin {
namespace {

bool isWord(char c) { return std::isalnum((unsigned char) c) || c == '_'; }

// The end of a string literal that starts at `at`, after its closing quote.
size_t endOfString(const std::string &s, size_t at) {
  for (at++; at < s.size() && s[at] != '"'; at++) {
    if (s[at] == '\\') at++;
  }
  return at + 1;
}

// The place of the bracket that closes the one at `open`.
size_t closing(const std::string &s, size_t open) {
  int depth = 0;
  for (size_t i = open; i < s.size(); i++) {
    if (s[i] == '"') {
      i = endOfString(s, i) - 1;
    } else if (s[i] == '(' || s[i] == '[' || s[i] == '{') {
      depth++;
    } else if ((s[i] == ')' || s[i] == ']' || s[i] == '}') && --depth == 0) {
      return i;
    }
  }
  throw std::runtime_error("a bracket is not closed: " + s.substr(open, 80));
}

// Parts of s between separators that stand outside of brackets and strings.
std::vector<std::string> split(const std::string &s, char separator) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (size_t i = 0; i < s.size(); i++) {
    if (s[i] == '"') {
      size_t end = endOfString(s, i);
      parts.back() += s.substr(i, end - i);
      i = end - 1;
      continue;
    }
    if (strchr("([{", s[i])) depth++;
    if (strchr(")]}", s[i])) depth--;
    if (s[i] == separator && depth == 0) {
      parts.emplace_back();
    } else {
      parts.back() += s[i];
    }
  }
  return parts;
}

// String literals put together, with all white space as single blanks.
std::string text(const std::string &s) {
  std::string joined, result;
  for (size_t i = 0; i < s.size(); i++) {
    if (s[i] == '"') {
      size_t end = endOfString(s, i);
      joined += s.substr(i + 1, end - i - 2);
      i = end - 1;
    }
  }
  for (size_t i = 0; i < joined.size(); i++) {
    char c = joined[i];
    if (c == '\\' && i + 1 < joined.size() && (joined[i + 1] == 'n' || joined[i + 1] == 't')) {
      c = ' ';
      i++;
    }
    if (std::isspace((unsigned char) c)) c = ' ';
    if (c != ' ' || (!result.empty() && result.back() != ' ')) result += c;
  }
  return result;
}

// Expressions of operands: "=r"(x), "r"(y) gives x and y.
std::vector<std::string> operands(const std::string &s) {
  std::vector<std::string> result;
  for (const std::string &part : split(s, ',')) {
    size_t open = part.find('(', part.find('"') == std::string::npos ? 0 : endOfString(part, part.find('"')));
    if (open != std::string::npos) result.push_back(part.substr(open, closing(part, open) - open + 1));
  }
  return result;
}

// An array of operands.
std::string array(const std::string &name, const std::string &type, const std::vector<std::string> &of, size_t from, size_t to) {
  std::string s = " const " + type + " " + name + "[] = {";
  for (size_t i = from; i < to; i++) s += (i == from ? "(" : ", (") + type + ") " + of[i];
  return s + "};";
}

// A block that calls a function, which fills an array, and gives the array to the operands that are written.
std::string call(const std::string &type, const std::string &before, const std::string &function, const std::vector<std::string> &out, const std::string &arguments) {
  std::string s = "{" + before + " " + type + " standin_r[" + std::to_string(out.size()) + "]; " + function + "(__LINE__, standin_r, " + arguments + ");";
  for (size_t i = 0; i < out.size(); i++) s += " " + out[i] + " = standin_r[" + std::to_string(i) + "];";
  return s + " }";
}

// One asm statement as a call.
std::string assembly(const std::string &body) {
  std::vector<std::string> sections = split(body, ':');
  std::string code = text(sections[0]);
  std::vector<std::string> out = sections.size() > 1 ? operands(sections[1]) : std::vector<std::string>();
  std::vector<std::string> in = sections.size() > 2 ? operands(sections[2]) : std::vector<std::string>();
  std::smatch m;
  if (code.find("cvta.to.shared.u64") != std::string::npos && code.find("cvt.u32.u64 %0") != std::string::npos && out.size() == 1) {
    return out[0] + " = standin::toShared((const void *) " + in.at(0) + ")";
  }
  if (std::regex_search(code, m, std::regex(R"(^ldmatrix\.sync\.aligned\.m8n8\.x([124])(\.trans)?\.shared(::cta)?\.b16 )"))) {
    if (out.size() == std::stoul(m[1])) {
      return call("unsigned", "", "standin::ldmatrix<" + m[1].str() + (m[2].matched ? ", true>" : ", false>"), out, in.at(0));
    }
  }
  if (std::regex_search(code, m, std::regex(R"(^mma\.sync\.aligned\.(m16n8k16|m16n8k32)\.row\.col\.(f32|s32)\.(\w+)\.(\w+)\.(f32|s32) )"))) {
    static const std::map<std::string, std::string> kinds = {
        {"m16n8k16f16", "F16"}, {"m16n8k16bf16", "BF16"}, {"m16n8k32s8", "S8"}, {"m16n8k32e4m3", "E4M3"}, {"m16n8k32e5m2", "E5M2"}};
    auto kind = kinds.find(m[1].str() + m[3].str());
    if (kind != kinds.end() && m[3] == m[4] && in.size() == 10 && out.size() == 4) {
      std::string sum = m[2] == "s32" ? "int" : "float";
      std::string before = array("standin_a", "unsigned", in, 0, 4) + array("standin_b", "unsigned", in, 4, 6) + array("standin_c", sum, in, 6, 10);
      return call(sum, before, "standin::mma<standin::" + kind->second + ">", out, "standin_a, standin_b, standin_c");
    }
  }
  if (std::regex_search(code, m, std::regex(R"(^cp\.async\.c[ag]\.shared(::cta)?\.global \[%0\], \[%1\], (4|8|16);)"))) {
    return "standin::cpAsync<" + m[2].str() + ">(" + in.at(0) + ", (const void *) " + in.at(1) + ")";
  }
  if (std::regex_search(code, m, std::regex(R"(^\{? ?cvt\.rn\.f16\.f32 %0, %1; ?\}?)"))) return out.at(0) + " = __half(" + in.at(0) + ").raw";
  if (code.rfind("cp.async.commit_group;", 0) == 0) return "standin::cpAsyncCommit()";
  if (code.rfind("cp.async.wait_all;", 0) == 0) return "standin::cpAsyncCommit(), standin::cpAsyncWait(0)";
  if (std::regex_search(code, m, std::regex(R"(^cp\.async\.wait_group (\d+);)"))) return "standin::cpAsyncWait(" + m[1].str() + ")";
  if (code.rfind("dp4a.s32.s32 %0, %1, %2, %3;", 0) == 0) return out.at(0) + " = standin::dp4aSigned(" + in.at(0) + ", " + in.at(1) + ", " + in.at(2) + ")";
  if (code.rfind("dp4a.u32.u32 %0, %1, %2, %3;", 0) == 0) return out.at(0) + " = standin::dp4aUnsigned(" + in.at(0) + ", " + in.at(1) + ", " + in.at(2) + ")";
  throw std::runtime_error("inline PTX that the stand-in does not know: " + code);
}

// Whether word stands at `at`, by itself.
bool wordAt(const std::string &s, size_t at, const char *word) {
  size_t n = std::strlen(word);
  return s.compare(at, n, word) == 0 && (at == 0 || !isWord(s[at - 1])) && (at + n >= s.size() || !isWord(s[at + n]));
}

unsigned sizeOf(const std::string &type) {
  static const std::map<std::string, unsigned> sizes = {
      {"char", 1}, {"signed char", 1}, {"unsigned char", 1}, {"short", 2}, {"unsigned short", 2}, {"half", 2}, {"__half", 2}, {"int", 4},
      {"unsigned", 4}, {"unsigned int", 4}, {"float", 4}, {"__half2", 4}, {"half2", 4}, {"long", 8}, {"unsigned long", 8}, {"long long", 8},
      {"unsigned long long", 8}, {"double", 8}, {"float2", 8}, {"int2", 8}, {"float4", 16}, {"int4", 16}};
  auto found = sizes.find(type);
  if (found == sizes.end()) throw std::runtime_error("shared memory of type " + type + ", whose size the stand-in does not know");
  return found->second;
}

// Line ends that a statement spans, so that lines keep their numbers.
std::string lineEnds(const std::string &s) {
  std::string ends;
  for (char c : s) {
    if (c == '\n') ends += c;
  }
  return ends;
}

}  // namespace

Translation translate(const std::string &cuda, bool races) {
  Translation result;
  std::string &o = result.source;
  static const std::regex declaration(R"(^__shared__\s+(?:__align__\s*\(\s*(\d+)\s*\)\s*)?((?:\w+\s+)*?\w+)\s+(\w+)\s*\[\s*(\d+)\s*\]\s*;)");
  static const std::regex function(R"(^__global__\s+void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\()");
  static const std::regex cast(R"(^\(\s*(int|long long|long|unsigned int|unsigned long long|unsigned long)\s*\)\s*)");
  static const std::regex element(R"(^\(\(\s*((?:\w+\s+)*?\w+)\s*\*\s*\)\s*)");
  static const std::regex access(R"(^\*\(\(\s*((?:\w+\s+)*?\w+)\s*\*\s*\)\s*)");
  for (size_t i = 0; i < cuda.size();) {
    if (cuda.compare(i, 2, "//") == 0) {
      size_t end = cuda.find('\n', i);
      i = end == std::string::npos ? cuda.size() : end;
      continue;
    }
    if (cuda.compare(i, 2, "/*") == 0) {
      size_t end = cuda.find("*/", i);
      end = end == std::string::npos ? cuda.size() : end + 2;
      o += lineEnds(cuda.substr(i, end - i));
      i = end;
      continue;
    }
    if (cuda[i] == '"') {
      size_t end = endOfString(cuda, i);
      o += cuda.substr(i, end - i);
      i = end;
      continue;
    }
    std::smatch m;
    if (wordAt(cuda, i, "asm") || wordAt(cuda, i, "__asm__")) {
      size_t open = cuda.find('(', i), end = closing(cuda, open);
      o += assembly(translate(cuda.substr(open + 1, end - open - 1), races).source) + lineEnds(cuda.substr(i, end - i));
      i = end + 1;
      continue;
    }
    if (wordAt(cuda, i, "__shared__")) {
      std::string rest = cuda.substr(i, cuda.find(';', i) - i + 1);
      if (!std::regex_search(rest, m, declaration)) throw std::runtime_error("shared memory that the stand-in does not know: " + rest);
      // One after the other, each aligned as its type asks for and no better: what needs more has to say so.
      unsigned size = sizeOf(m[2]), aligned = std::max(size, m[1].matched ? (unsigned) std::stoul(m[1]) : 1);
      unsigned at = (result.sharedBytes + aligned - 1) / aligned * aligned;
      result.sharedBytes = at + size * (unsigned) std::stoul(m[4]);
      o += "STANDIN_SHARED(" + m[2].str() + ", " + m[3].str() + ", " + m[4].str() + ", " + std::to_string(at) + ");" + lineEnds(rest);
      i += rest.size();
      continue;
    }
    if (wordAt(cuda, i, "__global__")) {
      std::string rest = cuda.substr(i, 400);
      if (std::regex_search(rest, m, function)) result.kernels.push_back(m[1]);
    }
    // A cast of a number to an integer: devices saturate.
    if (cuda[i] == '(') {
      std::string rest = cuda.substr(i, 64);
      if (std::regex_search(rest, m, cast)) {
        size_t at = i + m.length(), end = at;
        if (at < cuda.size() && cuda[at] == '(') {
          // Not the cast of a cast to a pointer: those are addresses.
          end = closing(cuda, at) + 1;
        } else {
          while (end < cuda.size() && isWord(cuda[end])) end++;
          if (end > at && end < cuda.size() && cuda[end] == '[') end = closing(cuda, end) + 1;
        }
        bool number = end > at && !std::isdigit((unsigned char) cuda[at]);
        if (number && (end >= cuda.size() || (cuda[end] != '(' && cuda[end] != '.'))) {
          o += "standin::convert<" + m[1].str() + ">(" + translate(cuda.substr(at, end - at), races).source + ")";
          i = end;
          continue;
        }
      }
    }
    if (races && cuda[i] == '*') {
      std::string rest = cuda.substr(i, 64);
      if (std::regex_search(rest, m, access)) {
        size_t at = i + m.length(), end = closing(cuda, i + 1);
        o += "standin::global<" + m[1].str() + ">(" + translate(cuda.substr(at, end - at), races).source + ")";
        i = end + 1;
        continue;
      }
    }
    if (races && cuda.compare(i, 2, "((") == 0) {
      std::string rest = cuda.substr(i, 64);
      if (std::regex_search(rest, m, element)) {
        size_t at = i + m.length(), end = closing(cuda, i);
        if (end + 1 < cuda.size() && cuda[end + 1] == '[') {
          size_t last = closing(cuda, end + 1);
          std::string index = translate(cuda.substr(end + 2, last - end - 2), races).source;
          o += "standin::global<" + m[1].str() + ">((" + m[1].str() + " *) " + translate(cuda.substr(at, end - at), races).source + " + (" + index + "))";
          i = last + 1;
          continue;
        }
      }
    }
    if (isWord(cuda[i])) {
      while (i < cuda.size() && isWord(cuda[i])) o += cuda[i++];
    } else {
      o += cuda[i++];
    }
  }
  return result;
}

}  // namespace standin
