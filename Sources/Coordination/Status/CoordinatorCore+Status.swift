// Part of CoordinatorCore: how the workers are, for whoever asks. Asking admits nobody, and changes nothing that is decided.

/// One worker at one moment.
package struct WorkerFigures: Equatable, Sendable {
    package enum Activity: String, CaseIterable, Sendable {
        /// It has a shard of the running step.
        case computing
        /// It has nothing to do: others have.
        case waiting
        /// Somebody else was given its late shard, and it has not been heard of since.
        case stalled
        /// It has not reported, as it should every second.
        case silent
    }

    package let identity: WorkerIdentity
    package let activity: Activity
    package let counters: WorkerCounters
    /// Its part of the images of the last `shareSteps` steps, from 0 to 1; nil before the first.
    package let share: Double?
    /// How long ago it said something.
    package let heardAgo: Duration

    static let shareSteps: UInt64 = 64
    /// Twice what a worker's report may be late.
    static let silence = Duration.milliseconds(2500)
}

extension CoordinatorCore {
    /// Every worker, in the order in which they came.
    package func figures(now: Instant) -> [WorkerFigures] {
        let newest = roster.members.compactMap(\.counters.recent.newestStep).max() ?? 0
        let first = newest > WorkerFigures.shareSteps ? newest - WorkerFigures.shareSteps : 0
        let images = roster.members.map { $0.counters.recent.images(after: first) }
        let all = images.reduce(0, +)
        return zip(roster.members, images).map { member, images in
            WorkerFigures(
                identity: member.identity, activity: activity(of: member, now), counters: member.counters,
                share: all > 0 ? Double(images) / Double(all) : nil, heardAgo: now - member.heard)
        }
    }

    private func activity(of member: Member, _ now: Instant) -> WorkerFigures.Activity {
        if member.isStalled { return .stalled }
        if now - member.heard > WorkerFigures.silence { return .silent }
        return (step?.load(of: member.peer) ?? 0) > 0 ? .computing : .waiting
    }

    /// Also when the run is stopped: its pictures may still be drawn.
    mutating func onStatusRequest(from peer: PeerID, _ now: Instant) -> [CoordinatorAction] {
        let (isAnswered, forgotten) = askers.ask(peer, now)
        let isStranger = forgotten.map { roster[$0] == nil } ?? false
        return (isAnswered ? [.report(to: peer)] : []) + (isStranger ? forgotten.map { [.forget($0)] } ?? [] : [])
    }
}
