// SPDX-License-Identifier: Apache-2.0
#include "tests/inject/runner.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "tests/inject/coverage.h"
#include "tests/inject/point_run.h"

namespace hob::inject {
namespace {

using Clock = std::chrono::steady_clock;

// What a process shares with its parent.
struct Slot {
  std::atomic<int64_t> begun = 0;  // points, for the watchdog
  Plan plan;                       // the one under way
  int64_t next = 0;                // of the job's points
  Counts seen = {};                // by a job that counts
  Tally tally;
  FunctionTable functions = {};
  bool called[kMaxFunctions] = {};
};

Slot* SharedSlot() {
  void* const memory =
      mmap(nullptr, sizeof(Slot), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    std::exit(2);
  }
  return new (memory) Slot;
}

struct Job {
  const Scenario* scenario = nullptr;
  Kind kind = Kind::kAllocation;
  Mode mode = Mode::kNone;  // kNone: counts
  std::vector<int64_t> points;
  Slot* slot = nullptr;
  pid_t child = 0;
  int64_t begun = 0;
  Clock::time_point progress = {};
};

// Two undisturbed runs: the first starts what is started once, and tells the right results.
void WarmUp(const Scenario& scenario, const Run& run, Known& known, Tally* tally) {
  for (int i = 0; i < 2; ++i) RunPoint(scenario.name, run, {}, known, i > 0, tally);
}

void WriteAll(int fd, const void* bytes, size_t size) {
  if (write(fd, bytes, size) != static_cast<ssize_t>(size)) _exit(3);
}

// The right results of a process that nothing disturbs.
Known KnownOfFresh(const Scenario& scenario, const Run& run) {
  int ends[2];
  if (pipe(ends) != 0) std::exit(2);
  const pid_t child = fork();
  if (child == 0) {
    Known known;
    Tally ignored;
    RunPoint(scenario.name, run, {}, known, false, &ignored);
    for (const auto& [key, value] : known) {
      for (const std::string* text : {&key, &value}) {
        const size_t size = text->size();
        WriteAll(ends[1], &size, sizeof(size));
        WriteAll(ends[1], text->data(), size);
      }
    }
    _exit(0);
  }
  close(ends[1]);
  std::string all;
  char part[4096];
  for (ssize_t got; (got = read(ends[0], part, sizeof(part))) > 0;) {
    all.append(part, static_cast<size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  std::vector<std::string> texts;
  for (size_t at = 0; at + sizeof(size_t) <= all.size();) {
    size_t size = 0;
    std::memcpy(&size, all.data() + at, sizeof(size));
    texts.push_back(all.substr(at + sizeof(size), size));
    at += sizeof(size) + size;
  }
  Known known;
  for (size_t i = 0; i + 1 < texts.size(); i += 2) known[texts[i]] = texts[i + 1];
  return known;
}

// One point in a process that has not used the library; afterwards all works and nothing leaks.
void RunFresh(const Scenario& scenario, const Run& run, const Plan& plan, const Known& known,
              Slot* slot) {
  const pid_t child = fork();
  if (child == 0) {
    Known own = known;
    RunPoint(scenario.name, run, plan, own, false, &slot->tally, &slot->functions, slot->called);
    if (plan.mode != Mode::kNone) {
      WarmUp(scenario, run, own, &slot->tally);
    } else {
      for (const Kind kind : kAllKinds) slot->seen[static_cast<size_t>(kind)] = Seen(kind);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  std::fprintf(stderr, "FAULT the process ends with %s %d\n  %s\n",
               WIFSIGNALED(status) ? "signal" : "status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
               Command(scenario.name, plan).c_str());
  ++slot->tally.faults;
}

// In the child.
void RunJob(const Job& job) {
  const Scenario& scenario = *job.scenario;
  Slot* const slot = job.slot;
  const Files files;
  const Run run = scenario.prepare(files);
  Known known;
  if (scenario.fresh) {
    known = KnownOfFresh(scenario, run);
  } else {
    WarmUp(scenario, run, known, &slot->tally);
  }
  if (job.mode == Mode::kNone) {
    if (scenario.fresh) {
      RunFresh(scenario, run, {}, known, slot);
    } else {
      RunPoint(scenario.name, run, {}, known, true, &slot->tally, &slot->functions, slot->called);
      for (const Kind kind : kAllKinds) slot->seen[static_cast<size_t>(kind)] = Seen(kind);
    }
    return;
  }
  while (slot->next < static_cast<int64_t>(job.points.size())) {
    const Plan plan = {job.kind, job.mode, job.points[static_cast<size_t>(slot->next)]};
    slot->plan = plan;
    slot->begun.fetch_add(1);
    if (scenario.fresh) {
      RunFresh(scenario, run, plan, known, slot);
    } else {
      RunPoint(scenario.name, run, plan, known, true, &slot->tally, &slot->functions, slot->called);
      // Where nothing was repeated, what the runs share has to work all the same.
      if (plan.mode == Mode::kOn && slot->next % 8 == 0) {
        RunPoint(scenario.name, run, {}, known, true, &slot->tally, nullptr);
      }
    }
    ++slot->next;
  }
}

void Launch(Job& job) {
  job.progress = Clock::now();
  job.begun = job.slot->begun;
  std::fflush(nullptr);
  job.child = fork();
  if (job.child == 0) {
    setpgid(0, 0);
    RunJob(job);
    std::fflush(nullptr);
    _exit(0);
  }
}

// The job's process has ended; true if it is to go on with the next point in another one.
bool Ended(Job& job, int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return false;
  const bool signal = WIFSIGNALED(status);
  const Plan plan = job.slot->begun == 0 ? Plan{} : job.slot->plan;
  std::fprintf(stderr, "FAULT the process ends with %s %d\n  %s\n", signal ? "signal" : "status",
               signal ? WTERMSIG(status) : WEXITSTATUS(status),
               Command(job.scenario->name, plan).c_str());
  const bool again = job.mode != Mode::kNone && job.slot->begun > 0 && job.slot->tally.faults < 20;
  ++job.slot->tally.faults;
  ++job.slot->next;
  return again;
}

void Watch(Job& job, double seconds) {
  const int64_t begun = job.slot->begun;
  if (begun != job.begun) {
    job.begun = begun;
    job.progress = Clock::now();
  } else if (std::chrono::duration<double>(Clock::now() - job.progress).count() > seconds) {
    std::fprintf(stderr, "hangs:\n");
    kill(-job.child, SIGKILL);
    job.progress = Clock::now();
  }
}

void RunJobs(std::vector<Job>& jobs, const Options& options) {
  std::vector<Job*> running;
  for (size_t next = 0; next < jobs.size() || !running.empty();) {
    while (next < jobs.size() && static_cast<int>(running.size()) < options.jobs) {
      Launch(jobs[next]);
      running.push_back(&jobs[next++]);
    }
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended <= 0) {
      for (Job* job : running) Watch(*job, options.seconds);
      usleep(2000);
      continue;
    }
    const auto found =
        std::find_if(running.begin(), running.end(), [&](Job* job) { return job->child == ended; });
    if (found == running.end()) continue;
    if (Ended(**found, status)) {
      Launch(**found);
    } else {
      running.erase(found);
    }
  }
}

// The first ones, then others evenly among the rest.
std::vector<int64_t> Choose(int64_t count, int64_t most) {
  std::vector<int64_t> points;
  const int64_t first = std::min(count, most / 3);
  for (int64_t i = 1; i <= first; ++i) points.push_back(i);
  const int64_t rest = std::min(count, most) - first;
  for (int64_t i = 1; i <= rest; ++i) points.push_back(first + (count - first) * i / rest);
  return points;
}

int64_t Most(const Scenario& scenario, Kind kind, Mode mode, bool full) {
  if (full) return INT64_MAX / 4;
  int64_t most = mode == Mode::kOnce ? scenario.points * 4 : scenario.points * 2;
  if (kind == Kind::kLock) most = std::min<int64_t>(most, 12);  // which one it is differs by run
  return most;
}

struct Sums {
  Counts seen = {}, injected = {};
  Tally tally;
  int64_t skipped = 0;

  void Add(const Job& job, int64_t most_seen) {
    const auto k = static_cast<size_t>(job.kind);
    const Tally& t = job.slot->tally;
    injected[k] += t.injected;
    tally.injected += t.injected;
    tally.absorbed += t.absorbed;
    tally.unreached += t.unreached;
    tally.faults += t.faults;
    skipped += most_seen - static_cast<int64_t>(job.points.size());
  }
};

void PrintHead() {
  std::printf("%-46s", "points injected (of those there are)");
  for (const Kind kind : kAllKinds) std::printf(" %15s", std::string(Name(kind)).c_str());
  std::printf(" %8s %6s\n", "absorbed", "faults");
}

void PrintLine(const std::string& name, const Sums& sums) {
  std::printf("%-46s", name.c_str());
  for (const Kind kind : kAllKinds) {
    const auto k = static_cast<size_t>(kind);
    const std::string cell =
        std::to_string(sums.injected[k]) + " (" + std::to_string(sums.seen[k]) + ")";
    std::printf(" %15s", cell.c_str());
  }
  std::printf(" %8lld %6lld\n", static_cast<long long>(sums.tally.absorbed),
              static_cast<long long>(sums.tally.faults));
}

// Counts the points of each scenario.
std::vector<Job> CountPoints(const std::vector<Scenario>& scenarios, const Options& options) {
  std::vector<Job> jobs;
  for (const Scenario& scenario : scenarios) {
    if (scenario.name.rfind(options.scenario, 0) != 0) continue;
    jobs.push_back({.scenario = &scenario, .points = {}, .slot = SharedSlot()});
  }
  RunJobs(jobs, options);
  return jobs;
}

}  // namespace

int RunAll(const Options& options) {
  const Clock::time_point start = Clock::now();
  const std::vector<Scenario> scenarios = AllScenarios();
  const std::vector<Job> counts = CountPoints(scenarios, options);
  std::vector<Job> jobs;
  std::vector<size_t> begins;  // of each scenario's jobs
  for (const Job& count : counts) {
    begins.push_back(jobs.size());
    for (const Kind kind : kAllKinds) {
      for (const Mode mode : kAllModes) {
        const int64_t seen = count.slot->seen[static_cast<size_t>(kind)];
        if (seen == 0) continue;
        jobs.push_back({.scenario = count.scenario,
                        .kind = kind,
                        .mode = mode,
                        .points = Choose(seen, Most(*count.scenario, kind, mode, options.full)),
                        .slot = SharedSlot()});
      }
    }
  }
  begins.push_back(jobs.size());
  RunJobs(jobs, options);

  Sums all;
  std::vector<int64_t> points(Functions().size());
  std::vector<bool> called(Functions().size());
  PrintHead();
  for (size_t i = 0; i < counts.size(); ++i) {
    Sums sums;
    const Slot& counted = *counts[i].slot;
    for (size_t k = 0; k < kKinds; ++k) all.seen[k] += sums.seen[k] = counted.seen[k];
    sums.tally.faults = counted.tally.faults;
    all.tally.faults += counted.tally.faults;
    for (size_t f = 0; f < points.size(); ++f) called[f] = called[f] || counted.called[f];
    for (size_t j = begins[i]; j < begins[i + 1]; ++j) {
      const int64_t seen = counted.seen[static_cast<size_t>(jobs[j].kind)];
      sums.Add(jobs[j], seen);
      all.Add(jobs[j], seen);
      if (jobs[j].kind == Kind::kLock) continue;
      for (size_t f = 0; f < points.size(); ++f) {
        for (size_t k = 0; k < kKinds; ++k) points[f] += jobs[j].slot->functions[f][k];
      }
    }
    PrintLine(counts[i].scenario->name, sums);
  }
  PrintLine("in all", all);
  if (options.functions) {
    for (size_t f = 0; f < points.size(); ++f) {
      std::printf("%-34s %8lld %s\n", Functions()[f].c_str(), static_cast<long long>(points[f]),
                  std::string(NothingToFail(Functions()[f])).c_str());
    }
  }
  int wrong = options.scenario.empty() ? CheckCoverage(points, called) : 0;
  std::printf(
      "%lld points injected, %lld of them absorbed; %lld skipped, %lld not reached again; "
      "%lld faults; %.0f s\n",
      static_cast<long long>(all.tally.injected), static_cast<long long>(all.tally.absorbed),
      static_cast<long long>(all.skipped), static_cast<long long>(all.tally.unreached),
      static_cast<long long>(all.tally.faults + wrong),
      std::chrono::duration<double>(Clock::now() - start).count());
  if (counts.empty()) std::fprintf(stderr, "there is no such scenario\n");
  return counts.empty() || all.tally.faults > 0 || wrong > 0 ? 1 : 0;
}

int RunOne(const Scenario& scenario, const Plan& plan, bool trace) {
  const Files files;
  const Run run = scenario.prepare(files);
  Known known;
  Tally tally;
  if (scenario.fresh) {
    known = KnownOfFresh(scenario, run);
  } else {
    WarmUp(scenario, run, known, &tally);
  }
  TraceFirst(trace);
  RunPoint(scenario.name, run, plan, known, !scenario.fresh, &tally);
  std::printf("%s: %lld times%s%s, %lld faults\n", Command(scenario.name, plan).c_str(),
              static_cast<long long>(Fired()), Fired() > 0 ? ", first in " : "", FiredIn(),
              static_cast<long long>(tally.faults));
  TraceFirst(false);
  if (trace && tally.faults > 0) {
    RecordBlocks();
    Tally ignored;
    RunPoint(scenario.name, run, plan, known, false, &ignored);
    PrintBlocks();
  }
  return tally.faults > 0 ? 1 : 0;
}

}  // namespace hob::inject
