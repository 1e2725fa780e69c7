// What a search looks for in an event's own JSON: exceptions, the frames of their stack traces and of
// threads, local variables, and what was said.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace telltale::errors {

struct EventBody {
  std::vector<std::string> functions;
  std::vector<std::string> modules;
  std::vector<std::string> filenames;
  std::vector<std::string> abs_paths;
  std::vector<std::string> packages;
  std::vector<std::string> lines;  // of source, where the frames stand
  std::vector<std::string> vars;   // names and values of local variables; of nested ones each by itself
  std::vector<std::string> said;   // message, its template; classes and messages of exceptions
};

/// Of a stored payload; what is not as Sentry's protocol has it is left out.
EventBody read_event_body(std::string_view payload);

/// The longest part of `text` whose bytes stand in JSON as they are, whoever wrote it: letters, digits and
/// what no encoder escapes.
std::string_view unescaped_part(std::string_view text);

}  // namespace telltale::errors
