// What a search looks for in an event's own JSON: exceptions, the frames of their stack traces and of
// threads, local variables, and what was said.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace telltale::errors {

/// Views of whoever read it.
struct EventBody {
  using Texts = std::vector<std::string_view>;
  Texts functions;
  Texts modules;
  Texts filenames;
  Texts abs_paths;
  Texts packages;
  Texts lines;  // of source, where the frames stand
  Texts vars;   // names and values of local variables; of nested ones each by itself
  Texts said;   // message, its template; classes and messages of exceptions

  void clear();
};

/// Reads one event after the other into the same memory: a search looks into very many.
class EventBodyReader {
 public:
  EventBodyReader();
  ~EventBodyReader();
  EventBodyReader(EventBodyReader&&) noexcept;
  EventBodyReader& operator=(EventBodyReader&&) noexcept;
  /// Of a stored payload; what is not as Sentry's protocol has it is left out. Holds until the next one is
  /// read.
  const EventBody& read(std::string_view payload);

 private:
  struct Parsed;
  std::unique_ptr<Parsed> parsed_;
};

/// The longest part of `text` whose bytes stand in JSON as they are, whoever wrote it: letters, digits and
/// what no encoder escapes.
std::string_view unescaped_part(std::string_view text);

}  // namespace telltale::errors
