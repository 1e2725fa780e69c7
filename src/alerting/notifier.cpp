#include "alerting/notifier.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "alerting/payload.hpp"

namespace telltale::alerting {
/// What one receiver was last told of one group.
struct Told {
  std::set<Labels> firing;
  UnixMillis at{0};
};

struct AlertGroup {
  ProjectId project;
  std::string alertname;
  std::map<Labels, Alert> alerts;
  UnixMillis next_flush{0};
  std::map<std::string, Told> told;  // by receiver
};

struct Message {
  Receiver receiver;
  Text text;
  int attempts = 0;
  UnixMillis due{0};
};

namespace {

bool serves(const Receiver& r, ProjectId project) {
  return r.projects.empty() || std::find(r.projects.begin(), r.projects.end(), project) != r.projects.end();
}

/// Whether the receiver is to hear of what is told to these names. Where all of them are gone from the
/// settings, it goes to everybody rather than to nobody.
bool wants(const Receiver& r, const std::vector<std::string>& names, const std::vector<Receiver>& all) {
  const auto named = [&names](const Receiver& one) {
    return std::find(names.begin(), names.end(), one.name) != names.end();
  };
  return named(r) || std::none_of(all.begin(), all.end(), named);
}

}  // namespace

std::string_view to_string(ReceiverKind kind) {
  static constexpr std::string_view kNames[] = {"webhook", "slack", "email"};
  return kNames[static_cast<std::size_t>(kind)];
}

struct Notifier::Impl {
  transport::HttpClient& http;
  const Clock& clock;
  const Logger& log;
  Counter& sent;
  Counter& failed;
  Counter& dropped;

  mutable Mutex mutex{};
  NotifierOptions options TT_GUARDED_BY(mutex){};
  std::shared_ptr<transport::MailSender> mail TT_GUARDED_BY(mutex){};
  std::string mail_from TT_GUARDED_BY(mutex){};
  std::vector<Receiver> receivers TT_GUARDED_BY(mutex){};
  std::map<std::pair<std::uint32_t, std::string>, AlertGroup> groups TT_GUARDED_BY(mutex){};
  std::deque<Message> queue TT_GUARDED_BY(mutex){};

  UnixMillis now() const { return clock.now().to_millis(); }
  bool enqueue(const Receiver& r, Text text) TT_REQUIRES(mutex);
  void flush(AlertGroup& g, UnixMillis at) TT_REQUIRES(mutex);
  Result<> deliver(const Message& m);
  Result<> send_mail(const Message& m);
  void retry(Message m, const Error& error);
};

bool Notifier::Impl::enqueue(const Receiver& r, Text text) {
  if (queue.size() >= options.max_queued) {
    dropped.add();
    return false;
  }
  queue.push_back({r, std::move(text), 0, now()});
  return true;
}

void Notifier::Impl::flush(AlertGroup& g, UnixMillis at) {
  for (auto& [labels, a] : g.alerts) {
    // Nobody has renewed it: the rule is gone, so the alert is over.
    if (a.state == AlertState::firing && a.valid_until.ms != 0 && a.valid_until < at) {
      a.state = AlertState::resolved;
      a.resolved_at = a.valid_until;
    }
  }
  for (const Receiver& r : receivers) {
    if (!serves(r, g.project)) continue;
    Told& told = g.told[r.name];
    std::set<Labels> firing;
    std::vector<Alert> list;
    bool news = false;
    for (const auto& [labels, a] : g.alerts) {
      if (!wants(r, a.receivers, receivers)) continue;
      const bool known = told.firing.count(labels) > 0;
      if (a.state == AlertState::firing) {
        firing.insert(labels);
        news = news || !known;
        list.push_back(a);
      } else if (known && r.send_resolved) {
        news = true;
        list.push_back(a);
      }
    }
    const bool repeat = !firing.empty() && at - told.at >= options.repeat_interval;
    if (list.empty() || (!news && !repeat)) {
      if (firing.empty()) told.firing.clear();
      continue;
    }
    if (!enqueue(r, alert_text(r, g.alertname, g.project, list, options.external_url)))
      continue;  // not told: the next flush tries again
    told.firing = std::move(firing);
    told.at = at;
  }
  for (auto it = g.alerts.begin(); it != g.alerts.end();) {
    const bool still_told = std::any_of(g.told.begin(), g.told.end(),
                                        [&](const auto& t) { return t.second.firing.count(it->first) > 0; });
    it = it->second.state == AlertState::resolved && !still_told ? g.alerts.erase(it) : std::next(it);
  }
  g.next_flush = at + options.group_interval;
}

Result<> Notifier::Impl::send_mail(const Message& m) {
  std::shared_ptr<transport::MailSender> sender;
  transport::Mail letter;
  {
    MutexLock lock(mutex);
    sender = mail;
    letter.from = mail_from;
  }
  if (!sender) return fail(ErrorKind::invalid_argument, "no mail server is set");
  letter.to = m.receiver.to;
  letter.subject = m.text.subject;
  letter.text = m.text.body;
  return sender->send(letter);
}

Result<> Notifier::Impl::deliver(const Message& m) {
  if (m.receiver.kind == ReceiverKind::email) return send_mail(m);
  transport::OutboundRequest request;
  request.method = "POST";
  request.url = m.receiver.url;
  request.headers = m.receiver.headers;
  request.headers.emplace_back("Content-Type", "application/json");
  request.body = m.text.body;
  TT_ASSIGN(const transport::OutboundResponse response, http.send(request));
  if (response.status >= 200 && response.status < 300) return {};
  const bool lasting =
      response.status >= 400 && response.status < 500 && response.status != 429 && response.status != 408;
  return fail(lasting ? ErrorKind::invalid_argument : ErrorKind::unavailable,
              "receiver answered with status " + std::to_string(response.status));
}

void Notifier::Impl::retry(Message m, const Error& error) {
  MutexLock lock(mutex);
  ++m.attempts;
  if (error.kind() == ErrorKind::invalid_argument || m.attempts >= options.max_attempts) {
    failed.add();
    log.warn("notification given up",
             {{"receiver", m.receiver.name}, {"reason", error.message()}, {"attempts", m.attempts}});
    return;
  }
  const Millis pause =
      std::min(options.max_retry, Millis(options.first_retry.count() << std::min(m.attempts - 1, 20)));
  m.due = now() + pause;
  queue.push_back(std::move(m));
}

Notifier::Notifier(transport::HttpClient& http, const Clock& clock, MetricsRegistry& metrics,
                   const Logger& log, NotifierOptions options)
    : impl_(new Impl{http, clock, log,
                     metrics.counter("telltale_notifications_sent_total", "Notifications delivered."),
                     metrics.counter("telltale_notifications_failed_total", "Notifications given up."),
                     metrics.counter("telltale_notifications_dropped_total",
                                     "Notifications refused by a full queue.")}) {
  set_options(std::move(options));
}

Notifier::~Notifier() = default;

void Notifier::set_receivers(std::vector<Receiver> receivers) {
  MutexLock lock(impl_->mutex);
  impl_->receivers = std::move(receivers);
}

void Notifier::set_options(NotifierOptions options) {
  MutexLock lock(impl_->mutex);
  impl_->options = std::move(options);
}

void Notifier::set_mail(std::shared_ptr<transport::MailSender> sender, std::string from) {
  MutexLock lock(impl_->mutex);
  impl_->mail = std::move(sender);
  impl_->mail_from = std::move(from);
}

void Notifier::take(ProjectId project, const std::vector<Alert>& alerts) {
  Impl& m = *impl_;
  const UnixMillis at = m.now();
  MutexLock lock(m.mutex);
  for (const Alert& a : alerts) {
    if (a.state == AlertState::pending) continue;
    const auto key = std::make_pair(project.value, std::string(a.labels.get("alertname")));
    auto it = m.groups.find(key);
    if (it == m.groups.end()) {
      if (a.state == AlertState::resolved) continue;  // nobody was told of it
      if (m.groups.size() >= m.options.max_groups) {
        m.dropped.add();
        continue;
      }
      AlertGroup g;
      g.project = project;
      g.alertname = key.second;
      g.next_flush = at + m.options.group_wait;
      it = m.groups.emplace(key, std::move(g)).first;
    }
    auto& held = it->second.alerts;
    if (a.state == AlertState::resolved && held.count(a.labels) == 0) continue;
    if (held.size() >= m.options.max_alerts_per_group && held.count(a.labels) == 0) {
      m.dropped.add();
      continue;
    }
    held[a.labels] = a;
  }
}

Result<> Notifier::notify_issue(ProjectId project, const IssueNotice& notice,
                                const std::vector<std::string>& names) {
  Impl& m = *impl_;
  MutexLock lock(m.mutex);
  bool all = true;
  for (const Receiver& r : m.receivers) {
    if (serves(r, project) && wants(r, names, m.receivers)) all = m.enqueue(r, issue_text(r, notice)) && all;
  }
  return all ? Result<>() : fail(ErrorKind::resource_exhausted, "the notification queue is full");
}

void Notifier::tick() {
  Impl& m = *impl_;
  const UnixMillis at = m.now();
  std::vector<Message> due;
  {
    MutexLock lock(m.mutex);
    for (auto it = m.groups.begin(); it != m.groups.end();) {
      if (it->second.next_flush <= at) m.flush(it->second, at);
      it = it->second.alerts.empty() ? m.groups.erase(it) : std::next(it);
    }
    for (std::size_t n = m.queue.size(); n > 0; --n) {
      Message message = std::move(m.queue.front());
      m.queue.pop_front();
      if (message.due <= at) {
        due.push_back(std::move(message));
      } else {
        m.queue.push_back(std::move(message));
      }
    }
  }
  for (Message& message : due) {
    auto done = m.deliver(message);
    if (done) {
      m.sent.add();
    } else {
      m.retry(std::move(message), done.error());
    }
  }
}

Result<> Notifier::test(const std::string& receiver) {
  Impl& m = *impl_;
  Message message;
  {
    MutexLock lock(m.mutex);
    const auto it = std::find_if(m.receivers.begin(), m.receivers.end(),
                                 [&](const Receiver& r) { return r.name == receiver; });
    if (it == m.receivers.end())
      return fail(ErrorKind::not_found, "receiver: there is none named \"" + receiver + "\"");
    message.receiver = *it;
    message.text = issue_text(
        *it, {"Test notification", "This receiver works.", m.options.external_url, "info", {}, {}});
  }
  return m.deliver(message);
}

std::vector<std::pair<std::string, ReceiverKind>> Notifier::receivers(ProjectId project) const {
  MutexLock lock(impl_->mutex);
  std::vector<std::pair<std::string, ReceiverKind>> out;
  for (const Receiver& r : impl_->receivers)
    if (serves(r, project)) out.emplace_back(r.name, r.kind);
  return out;
}

std::string Notifier::external_url() const {
  MutexLock lock(impl_->mutex);
  std::string url = impl_->options.external_url;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::size_t Notifier::queued() const {
  MutexLock lock(impl_->mutex);
  return impl_->queue.size();
}

}  // namespace telltale::alerting
