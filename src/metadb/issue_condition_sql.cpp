#include "metadb/issue_condition_sql.hpp"

namespace telltale::metadb {
namespace {

using storage::IssueCondition;
using storage::IssueField;
using Op = IssueCondition::Op;

std::string_view column_of(IssueField field) {
  switch (field) {
    case IssueField::id:
      return "id";
    case IssueField::status:
      return "status";
    case IssueField::substatus:
      return "substatus";
    case IssueField::level:
      return "level";
    case IssueField::first_seen:
      return "first_seen";
    case IssueField::last_seen:
      return "last_seen";
    case IssueField::event_count:
      return "event_count";
    case IssueField::user_count:
      return "user_count";
    case IssueField::priority:
      return "priority";
    case IssueField::bookmarked_by:
      return "m.user";
    case IssueField::title:
      return "title";
    case IssueField::culprit:
      return "culprit";
    case IssueField::type:
      return "type";
    case IssueField::platform:
      return "platform";
    case IssueField::short_id:
      return "short_id";
    case IssueField::assignee:
      return "assignee";
    case IssueField::first_release:
      return "first_release";
    case IssueField::last_release:
      return "last_release";
    case IssueField::release:
      return "s.release";
    case IssueField::environment:
      return "s.environment";
  }
  return "id";
}

/// GLOB's own characters stand in brackets for themselves; it tells upper from lower case, LIKE does not.
std::string glob_pattern(const std::vector<std::string>& pieces) {
  std::string out;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) out.push_back('*');
    for (const char c : pieces[i]) {
      if (c == '*' || c == '?' || c == '[')
        out.append({'[', c, ']'});
      else
        out.push_back(c);
    }
  }
  return out;
}

std::string like_pieces(const std::vector<std::string>& pieces) {
  std::string out = "%";
  for (const std::string& piece : pieces) {
    for (const char c : piece) {
      if (c == '%' || c == '_' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    out.push_back('%');
  }
  return out;
}

/// One value instead of a question mark each: lists may have thousands of numbers.
std::string json_list(const std::vector<std::int64_t>& numbers) {
  std::string out = "[";
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) out.push_back(',');
    out.append(std::to_string(numbers[i]));
  }
  return out + "]";
}

class ConditionWriter {
 public:
  ConditionWriter(SeenTest seen, std::string& sql, std::vector<SqlValue>& values)
      : seen_(seen), sql_(sql), values_(values) {}

  void write(const IssueCondition& c) {
    switch (c.op) {
      case Op::all:
        return group(c, " AND ", "1");
      case Op::any:
        return group(c, " OR ", "0");
      case Op::none:
        sql_.append("NOT ");
        return group(c, " OR ", "0");
      default:
        return leaf(c);
    }
  }

 private:
  void group(const IssueCondition& c, std::string_view between, std::string_view nothing) {
    if (c.children.empty()) {
      sql_.append(nothing);
      return;
    }
    sql_.push_back('(');
    for (std::size_t i = 0; i < c.children.size(); ++i) {
      if (i > 0) sql_.append(between);
      write(c.children[i]);
    }
    sql_.push_back(')');
  }

  void leaf(const IssueCondition& c) {
    if (c.field == IssueField::release || c.field == IssueField::environment) return seen_leaf(c);
    if (c.field == IssueField::bookmarked_by)
      sql_.append(
          "id IN (SELECT coalesce(nullif(p.merged_into, 0), p.id) FROM issue_marks m "
          "JOIN issues p ON p.id = m.issue WHERE m.bookmarked <> 0 AND ");
    test(c);
    if (c.field == IssueField::bookmarked_by) sql_.push_back(')');
  }

  /// Of the releases or environments `s` of an issue.
  void seen_leaf(const IssueCondition& c) {
    const std::string table = c.field == IssueField::release ? "issue_releases s " : "issue_environments s ";
    if (seen_ == SeenTest::listed) {
      sql_.append("id IN (SELECT coalesce(nullif(p.merged_into, 0), p.id) FROM ").append(table);
      sql_.append("JOIN issues p ON p.id = s.issue WHERE ");
      seen_test(c);
      sql_.push_back(')');
      return;
    }
    if (seen_ == SeenTest::counted) {
      // Without times an index has all that is asked for; with them each issue's own row is closer at hand.
      const bool has_times = c.from != INT64_MIN || c.to != INT64_MAX;
      sql_.append(has_times ? "(EXISTS (SELECT 1 FROM " : "(id IN (SELECT s.issue FROM ").append(table);
      sql_.append(has_times ? "WHERE s.issue = issues.id AND " : "WHERE ");
      seen_test(c);
      sql_.append(") OR id IN (SELECT p.merged_into FROM issues p INDEXED BY issues_by_merged CROSS JOIN ");
      sql_.append(table).append("ON s.issue = p.id WHERE p.merged_into <> 0 AND ");
      seen_test(c);
      sql_.append("))");
      return;
    }
    sql_.append("(EXISTS (SELECT 1 FROM ").append(table).append("WHERE s.issue = issues.id AND ");
    seen_test(c);
    sql_.append(") OR (parts > 1 AND EXISTS (SELECT 1 FROM issues p JOIN ").append(table);
    sql_.append("ON s.issue = p.id WHERE p.merged_into = issues.id AND p.merged_into <> 0 AND ");
    seen_test(c);
    sql_.append(")))");
  }

  void seen_test(const IssueCondition& c) {
    test(c);
    if (c.from != INT64_MIN) {
      sql_.append(" AND s.last_seen >= ?");
      values_.emplace_back(c.from);
    }
    if (c.to != INT64_MAX) {
      sql_.append(" AND s.first_seen < ?");
      values_.emplace_back(c.to);
    }
  }

  void test(const IssueCondition& c) {
    sql_.append(column_of(c.field));
    switch (c.op) {
      case Op::in_numbers:
        sql_.append(" IN (SELECT value FROM json_each(?))");
        values_.emplace_back(json_list(c.numbers));
        break;
      case Op::at_least:
        sql_.append(" >= ?");
        values_.emplace_back(c.numbers.at(0));
        break;
      case Op::below:
        sql_.append(" < ?");
        values_.emplace_back(c.numbers.at(0));
        break;
      case Op::in_texts:
        sql_.append(" IN (");
        for (std::size_t i = 0; i < c.texts.size(); ++i) {
          sql_.append(i == 0 ? "?" : ", ?");
          values_.emplace_back(c.texts[i]);
        }
        sql_.push_back(')');
        break;
      case Op::like:
        sql_.append(" GLOB ?");
        values_.emplace_back(glob_pattern(c.texts));
        break;
      case Op::contains:
        sql_.append(" LIKE ? ESCAPE '\\'");
        values_.emplace_back(like_pieces(c.texts));
        break;
      default:
        sql_.append(" <> ''");
    }
  }

  const SeenTest seen_;
  std::string& sql_;
  std::vector<SqlValue>& values_;
};

}  // namespace

void append_issue_condition(const IssueCondition& condition, SeenTest seen, std::string& sql,
                            std::vector<SqlValue>& values) {
  ConditionWriter(seen, sql, values).write(condition);
}

}  // namespace telltale::metadb
