#include "module.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "settings.h"
#include "translate.h"

extern char **environ;

namespace standin {
namespace {

// Two independent sums of 64 bits (FNV-1a), as hexadecimal digits.
std::string hash(const std::string &s) {
  uint64_t a = 14695981039346656037ull, b = 1099511628211ull * 31;
  for (unsigned char c : s) {
    a = (a ^ c) * 1099511628211ull;
    b = (b ^ (c + 17)) * 1099511628211ull;
    b ^= b >> 29;
  }
  char text[40];
  std::snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long) a, (unsigned long long) b);
  return text;
}

std::string read(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream s;
  s << in.rdbuf();
  return s.str();
}

void run(const std::vector<std::string> &words, const std::string &log) {
  std::vector<char *> arguments;
  for (const std::string &w : words) arguments.push_back(const_cast<char *>(w.c_str()));
  arguments.push_back(nullptr);
  // The compiler must not load what the process was told to load.
  std::vector<char *> environment;
  for (char **e = environ; *e; e++) {
    if (strncmp(*e, "LD_LIBRARY_PATH=", 16) != 0 && strncmp(*e, "LD_PRELOAD=", 11) != 0) environment.push_back(*e);
  }
  environment.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  pid_t pid;
  int status = -1, failed = posix_spawnp(&pid, arguments[0], &files, nullptr, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&files);
  // Where the process lets nobody wait (SIGCHLD ignored), what was made says whether it went well.
  if (failed == 0 && waitpid(pid, &status, 0) < 0) status = 0;
  if (failed != 0 || status != 0) throw std::runtime_error(words[0] + " failed:\n" + read(log).substr(0, 6000));
}

std::string home() { return setting("STANDIN_HOME", STANDIN_SOURCE); }

// The library of a source, compiled unless the cache has it.
std::string compile(const Translation &t, bool races) {
  // Nothing of the kernel's arithmetic may be rearranged; what nvcc joins to fused multiply-adds by default, g++ joins too, where it
  // sees it, or nothing is joined (STANDIN_FMA=off).
  std::string fma = setting("STANDIN_FMA", "on") == "off" ? "-ffp-contract=off" : "-ffp-contract=fast";
  std::vector<std::string> flags = {"-std=c++17", "-O2", "-fPIC", "-g1", "-ffixed-r15", "-fno-strict-aliasing", "-fwrapv", "-march=x86-64-v3", "-w",
                                    "-fno-delete-null-pointer-checks", "-fno-exceptions", "-fno-math-errno", "-fno-trapping-math", fma, "-I" + home() + "/device"};
  if (races) flags.push_back("-DSTANDIN_RACES");
  if (number("STANDIN_CHECKS", 1) != 0) {
    flags.push_back("-fsanitize=bounds,alignment,shift-exponent");
    flags.push_back("-fno-sanitize-recover=all");
  }
  std::string source = "#include \"" + home() + "/device/standin.h\"\n#line 1 \"kernel.cu\"\n" + t.source + "\n";
  for (const std::string &k : t.kernels) source += "STANDIN_KERNEL(" + k + ")\n";
  static const std::string own = read(home() + "/device/standin.h") + read(home() + "/device/warp.h") + read(home() + "/runtime.h") + read(home() + "/checks.cpp");
  std::string key = source + own;
  for (const std::string &f : flags) key += f + "\n";
  std::string folder = setting("STANDIN_CACHE", ("/tmp/standin-cache-" + std::to_string(getuid())).c_str());
  mkdir(folder.c_str(), 0755);
  std::string base = folder + "/" + (t.kernels.empty() ? "none" : t.kernels[0]) + "-" + hash(key).substr(0, 24);
  if (access((base + ".so").c_str(), R_OK) == 0) return base + ".so";
  std::string own_base = base + "." + std::to_string(getpid());
  std::ofstream(own_base + ".cpp") << source;
  std::string gxx = setting("STANDIN_CXX", "g++"), log = own_base + ".log";
  std::vector<std::string> first = {gxx};
  first.insert(first.end(), flags.begin(), flags.end());
  first.insert(first.end(), {"-c", own_base + ".cpp", "-o", own_base + ".o"});
  run(first, log);
  std::string checks = folder + "/checks-" + hash(own).substr(0, 16) + ".o";
  if (access(checks.c_str(), R_OK) != 0) {
    std::string mine = checks + "." + std::to_string(getpid());
    run({gxx, "-std=c++17", "-O2", "-fPIC", "-ffixed-r15", "-w", "-c", home() + "/checks.cpp", "-o", mine}, log);
    rename(mine.c_str(), checks.c_str());
  }
  run({gxx, "-shared", own_base + ".o", checks, "-o", own_base + ".so"}, log);
  rename((own_base + ".cpp").c_str(), (base + ".cpp").c_str());
  unlink((own_base + ".o").c_str());
  unlink(log.c_str());
  if (rename((own_base + ".so").c_str(), (base + ".so").c_str()) != 0) throw std::runtime_error("cannot write " + base + ".so");
  return base + ".so";
}

// What the compiler for the device found: shared memory, registers, local memory.
void describe(const char *image, Module &module) {
  const Elf64_Ehdr *h = (const Elf64_Ehdr *) image;
  const Elf64_Shdr *sections = (const Elf64_Shdr *) (image + h->e_shoff);
  const char *names = image + sections[h->e_shstrndx].sh_offset;
  const Elf64_Sym *symbols = nullptr;
  const char *strings = nullptr;
  size_t count = 0;
  for (int i = 0; i < h->e_shnum; i++) {
    if (sections[i].sh_type == SHT_SYMTAB) {
      symbols = (const Elf64_Sym *) (image + sections[i].sh_offset);
      count = sections[i].sh_size / sizeof(Elf64_Sym);
      strings = image + sections[sections[i].sh_link].sh_offset;
    }
  }
  for (int i = 0; i < h->e_shnum; i++) {
    std::string name = names + sections[i].sh_name;
    for (auto &k : module.kernels) {
      // From compute capability 9.0 on the first kilobyte is the system's.
      if (name == ".nv.shared." + k.first) k.second->sharedBytes = (unsigned) sections[i].sh_size - 1024;
    }
    if (name != ".nv.info") continue;
    // Entries: format 4, attribute, size, then words; 0x2f: symbol and registers, 0x11: symbol and frame.
    const unsigned char *p = (const unsigned char *) image + sections[i].sh_offset, *end = p + sections[i].sh_size;
    while (p + 4 <= end) {
      unsigned size = p[0] == 4 ? p[2] | p[3] << 8 : 0;
      if (p[0] == 4 && size >= 8 && (p[1] == 0x2f || p[1] == 0x11)) {
        uint32_t words[2];
        memcpy(words, p + 4, 8);
        if (symbols && words[0] < count) {
          auto k = module.kernels.find(strings + symbols[words[0]].st_name);
          if (k != module.kernels.end()) (p[1] == 0x2f ? k->second->registers : k->second->stackBytes) = words[1];
        }
      }
      p += 4 + size;
    }
  }
}

}  // namespace

std::unique_ptr<Module> load(const void *data) {
  const char *image = (const char *) data;
  if (memcmp(image, ELFMAG, SELFMAG) != 0) throw std::runtime_error("an image that is no cubin");
  const Elf64_Ehdr *h = (const Elf64_Ehdr *) image;
  size_t end = std::max<size_t>(h->e_shoff + (size_t) h->e_shnum * h->e_shentsize, h->e_phoff + (size_t) h->e_phnum * h->e_phentsize);
  const Elf64_Shdr *sections = (const Elf64_Shdr *) (image + h->e_shoff);
  for (int i = 0; i < h->e_shnum; i++) {
    if (sections[i].sh_type != SHT_NOBITS) end = std::max<size_t>(end, sections[i].sh_offset + sections[i].sh_size);
  }
  // The mark stands right behind the image, or a few bytes later.
  size_t at = end;
  while (at < end + 64 && memcmp(image + at, MARK, 16) != 0) at++;
  if (at == end + 64) throw std::runtime_error("a cubin that was not compiled by the stand-in's NVRTC");
  uint64_t length;
  memcpy(&length, image + at + 16, 8);
  bool races = number("STANDIN_RACES", 0) != 0;
  Translation t = translate(std::string(image + at + 24, length), races);
  std::string path = compile(t, races);
  // All kernels stay loaded: graphs may hold them.
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw std::runtime_error(dlerror());
  auto module = std::make_unique<Module>();
  for (const std::string &name : t.kernels) {
    auto kernel = std::make_unique<Kernel>();
    kernel->name = name;
    kernel->entry = (const Entry *) dlsym(library, ("standin_entry_" + name).c_str());
    if (!kernel->entry) throw std::runtime_error("no entry of " + name);
    module->kernels[name] = std::move(kernel);
  }
  describe(image, *module);
  for (auto &k : module->kernels) k.second->sharedBytes = std::max(k.second->sharedBytes, t.sharedBytes);
  return module;
}

}  // namespace standin
