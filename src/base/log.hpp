// Our own log: one JSON object a line, to a sink that is injected. Never holds request bodies or credentials;
// callers pass names, sizes and reasons.
//   log.warn("journal segment quarantined", {{"file", path}, {"reason", error.message()}});
#pragma once

#include <atomic>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/clock.hpp"

namespace telltale {

enum class LogLevel : unsigned char { debug, info, warn, error };

struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, double, bool> value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  LogField(std::string_view k, double v) : key(k), value(v) {}
  template <class Int>
    requires std::is_integral_v<Int>
  LogField(std::string_view k, Int v) : key(k), value(static_cast<std::int64_t>(v)) {}
};

/// Thread-safe; a line is written whole.
class Logger {
 public:
  using Sink = std::function<void(std::string_view line)>;
  Logger(const Clock& clock, LogLevel min, Sink sink) : clock_(clock), min_(min), sink_(std::move(sink)) {}

  void debug(std::string_view msg, std::initializer_list<LogField> f = {}) const {
    write(LogLevel::debug, msg, f);
  }
  void info(std::string_view msg, std::initializer_list<LogField> f = {}) const {
    write(LogLevel::info, msg, f);
  }
  void warn(std::string_view msg, std::initializer_list<LogField> f = {}) const {
    write(LogLevel::warn, msg, f);
  }
  void error(std::string_view msg, std::initializer_list<LogField> f = {}) const {
    write(LogLevel::error, msg, f);
  }
  void set_level(LogLevel min) { min_.store(min, std::memory_order_relaxed); }

 private:
  void write(LogLevel level, std::string_view msg, std::initializer_list<LogField> fields) const;
  const Clock& clock_;
  std::atomic<LogLevel> min_;
  const Sink sink_;
};

/// Writes each line and a newline to standard error in one call.
Logger::Sink stderr_sink();
/// Drops everything; for tests.
Logger::Sink null_sink();

}  // namespace telltale
