#include "base/log.hpp"

#include <cmath>

#include <fmt/format.h>
#include <unistd.h>

#include "base/json.hpp"

namespace telltale {

void Logger::write(LogLevel level, std::string_view msg, std::initializer_list<LogField> fields) const {
  if (level < min_.load(std::memory_order_relaxed)) return;
  static constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};
  std::string line = fmt::format(R"({{"time":"{}","level":"{}","message":)", format_rfc3339(clock_.now()),
                                 kNames[static_cast<std::size_t>(level)]);
  append_json_string(line, msg);
  for (const auto& f : fields) {
    line.push_back(',');
    append_json_string(line, f.key);
    line.push_back(':');
    if (const auto* s = std::get_if<std::string_view>(&f.value)) {
      append_json_string(line, *s);
    } else if (const auto* i = std::get_if<std::int64_t>(&f.value)) {
      line.append(fmt::format("{}", *i));
    } else if (const auto* d = std::get_if<double>(&f.value)) {
      append_json_number(line, *d);
    } else {
      line.append(std::get<bool>(f.value) ? "true" : "false");
    }
  }
  line.push_back('}');
  sink_(line);
}

Logger::Sink stderr_sink() {
  return [](std::string_view line) {
    std::string out(line);
    out.push_back('\n');
    // One write a line keeps lines whole; a full pipe or closed stderr loses the line, never the server.
    [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, out.data(), out.size());
  };
}

Logger::Sink null_sink() {
  return [](std::string_view) {};
}

}  // namespace telltale
