#include "errors/event_body.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include "base/limits.hpp"

namespace telltale::errors {
namespace {

namespace dom = simdjson::dom;

constexpr int kMaxVarDepth = 16;

class BodyReader {
 public:
  BodyReader(EventBody& out, std::deque<std::string>& made) : out_(out), made_(made) {}

  void event(dom::object event) {
    text(event["message"], out_.said);
    logentry(event["message"]);
    logentry(event["logentry"]);
    each(event["exception"], [this](dom::object exception) {
      text(exception["type"], out_.said);
      text(exception["value"], out_.said);
      text(exception["module"], out_.modules);
      stack(exception["stacktrace"]);
    });
    each(event["threads"], [this](dom::object thread) { stack(thread["stacktrace"]); });
    stack(event["stacktrace"]);
  }

 private:
  using Found = simdjson::simdjson_result<dom::element>;

  static void text(Found value, EventBody::Texts& into) {
    std::string_view s;
    if (value.get(s) == simdjson::SUCCESS && !s.empty()) into.emplace_back(s);
  }

  void logentry(Found value) {
    dom::object entry;
    if (value.get(entry) != simdjson::SUCCESS) return;
    text(entry["message"], out_.said);
    text(entry["formatted"], out_.said);
  }

  /// A list, {"values": list} or one object.
  template <class F>
  static void each(Found value, F f) {
    dom::array list;
    dom::object one;
    if (value.get(one) == simdjson::SUCCESS) {
      if (one["values"].get(list) != simdjson::SUCCESS) return f(one);
    } else if (value.get(list) != simdjson::SUCCESS) {
      return;
    }
    for (const auto item : list)
      if (item.get(one) == simdjson::SUCCESS) f(one);
  }

  void stack(Found value) {
    dom::object trace;
    dom::array frames;
    if (value.get(trace) != simdjson::SUCCESS || trace["frames"].get(frames) != simdjson::SUCCESS) return;
    for (const auto item : frames) {
      dom::object frame;
      if (item.get(frame) != simdjson::SUCCESS) continue;
      text(frame["function"], out_.functions);
      text(frame["module"], out_.modules);
      text(frame["filename"], out_.filenames);
      text(frame["abs_path"], out_.abs_paths);
      text(frame["package"], out_.packages);
      text(frame["context_line"], out_.lines);
      dom::object vars;
      if (frame["vars"].get(vars) == simdjson::SUCCESS) variables(vars, 0);
    }
  }

  void variables(dom::object vars, int depth) {
    for (const auto [name, value] : vars) {
      out_.vars.emplace_back(name);
      variable(value, depth);
    }
  }

  void variable(dom::element value, int depth) {
    if (depth > kMaxVarDepth) return;
    switch (value.type()) {
      case dom::element_type::OBJECT:
        return variables(value.get_object().value_unsafe(), depth + 1);
      case dom::element_type::ARRAY: {
        const dom::array items = value.get_array().value_unsafe();
        for (const auto item : items) variable(item, depth + 1);
        return;
      }
      case dom::element_type::STRING:
        out_.vars.emplace_back(value.get_string().value_unsafe());
        return;
      case dom::element_type::NULL_VALUE:
        return;
      default:
        out_.vars.emplace_back(made_.emplace_back(simdjson::minify(value)));
    }
  }

  EventBody& out_;
  std::deque<std::string>& made_;  // texts that stand nowhere
};

}  // namespace

void EventBody::clear() {
  for (Texts* texts : {&functions, &modules, &filenames, &abs_paths, &packages, &lines, &vars, &said})
    texts->clear();
}

struct EventBodyReader::Parsed {
  dom::parser parser;
  std::string padded;  // simdjson reads a little past the end
  std::deque<std::string> made;
  EventBody body;
};

EventBodyReader::EventBodyReader() : parsed_(std::make_unique<Parsed>()) {}
EventBodyReader::~EventBodyReader() = default;
EventBodyReader::EventBodyReader(EventBodyReader&&) noexcept = default;
EventBodyReader& EventBodyReader::operator=(EventBodyReader&&) noexcept = default;

const EventBody& EventBodyReader::read(std::string_view payload) {
  Parsed& p = *parsed_;
  p.body.clear();
  p.made.clear();
  p.padded.reserve(payload.size() + simdjson::SIMDJSON_PADDING);
  p.padded.assign(payload);
  dom::object event;
  if (p.parser.parse(p.padded.data(), payload.size(), false).get(event) == simdjson::SUCCESS)
    BodyReader(p.body, p.made).event(event);
  return p.body;
}

std::string_view unescaped_part(std::string_view text) {
  constexpr std::string_view kPlain = " _-.,:;()[]{}@#$%*!?^~|";
  std::string_view best;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : '"';
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       kPlain.find(c) != std::string_view::npos;
    if (plain) continue;
    if (i - begin > best.size()) best = text.substr(begin, i - begin);
    begin = i + 1;
  }
  return best;
}

}  // namespace telltale::errors
