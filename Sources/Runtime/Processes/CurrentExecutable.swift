// Where this program lies, so that it can start copies of itself as workers.

internal import Glibc

/// The path of the running program (`/proc/self/exe`, resolved), whatever its arguments and PATH say.
package func currentExecutablePath() throws(ProcessError) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    guard count >= 0 else { throw ProcessError(attempt: "find this program's own path", code: errno) }
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
