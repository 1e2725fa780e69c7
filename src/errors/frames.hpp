// What a stack says about identity: the leaves of each frame, recursion collapsed, in the app or the system
// variant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "errors/grouping.hpp"

namespace telltale::errors {

enum class StackVariant : unsigned char { app, system };

/// The hashable text of the frames that count; empty when none does.
std::string stack_key(const std::vector<GroupingFrame>& frames, std::string_view platform,
                      StackVariant variant);

/// The last frame of the program's own, else the last one; null without frames.
const GroupingFrame* culprit_frame(const std::vector<GroupingFrame>& frames);

/// `module in function`; for JavaScript `function(module)`. Empty without a frame.
std::string culprit_of(const GroupingFrame* frame, std::string_view platform);

}  // namespace telltale::errors
