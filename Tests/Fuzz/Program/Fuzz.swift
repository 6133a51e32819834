// One target under libFuzzer: `fuzz TARGET FOLDER [libFuzzer's options]` fuzzes it with the inputs in the folder, `fuzz TARGET FILE`
// replays one input, `fuzz` lists the targets. Started by scripts/fuzz.
import FuzzTargets
import Glibc
import Storage
import TestKit

private typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<Arguments>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

@_silgen_name("LLVMFuzzerMutate")
private func libFuzzerMutate(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ capacity: Int) -> Int

/// libFuzzer calls C functions without a context: this is it. One thread.
private nonisolated(unsafe) var target: FuzzTarget?
private nonisolated(unsafe) var accepted = 0
private nonisolated(unsafe) var nearest = (peak: 0, limit: 0)

@main struct Fuzz {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count > 2 else {
            for target in FuzzTarget.all { print(target.name) }
            return
        }
        guard let named = FuzzTarget.all.first(where: { $0.name == arguments[1] }) else {
            print("no target '\(arguments[1])'")
            exit(64)
        }
        target = named
        if isFolder(arguments[2]) { addSamples(of: named, to: arguments[2]) }
        atexit { print("accepted: \(accepted) peak: \(nearest.peak) limit: \(nearest.limit)") }
        // Without the name of the target it is libFuzzer's own command line.
        var count = CommandLine.argc - 1
        var rest = CommandLine.unsafeArgv + 1
        exit(runDriver(&count, &rest, runOne))
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func addSamples(of target: FuzzTarget, to folder: String) {
        do {
            for (index, sample) in target.samples.enumerated() {
                try replaceFile(at: "\(folder)/sample-\(index)", with: sample)
            }
        } catch {
            print("\(error)")
            exit(73)
        }
    }
}

private func runOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let target else { return 0 }
    do {
        let outcome = try target.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
        if outcome.isAccepted { accepted += 1 }
        // As near to its limit as any.
        if outcome.peak * max(nearest.limit, 1) >= nearest.peak * max(outcome.limit, 1) {
            nearest = (outcome.peak, outcome.limit)
        }
    } catch {
        print("finding: \(error)")
        // abort does not write out what print has kept.
        fflush(nil)
        abort()
    }
    return 0
}

/// A quarter of the changes are libFuzzer's, which knows what the comparisons in the code look for; the others know the format, and
/// now and then begin with a valid input again, since most that reach new code are invalid.
@_cdecl("LLVMFuzzerCustomMutator")
func mutate(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ capacity: Int, _ seed: CUnsignedInt) -> Int {
    guard let target else { return count }
    var random = SplitMix64(seed: UInt64(seed))
    var changed: [UInt8]
    if random.happens(0.25) {
        let length = libFuzzerMutate(bytes, count, capacity)
        changed = target.repair(Array(UnsafeBufferPointer(start: bytes, count: length)))
    } else {
        let origin =
            random.happens(0.4)
            ? target.samples[random.below(target.samples.count)]
            : Array(UnsafeBufferPointer(start: bytes, count: count))
        changed = target.mutated(origin, &random, maximumCount: capacity)
    }
    changed.removeLast(max(0, changed.count - capacity))
    for (index, byte) in changed.enumerated() { bytes[index] = byte }
    return changed.count
}
