// Why a file is not a safetensors file: what was found where, and what to do about it. One case per check of the decoder.

/// A refused file. The description is one line for the user.
package struct SafetensorsError: Error, Equatable, CustomStringConvertible {
    package enum Reason: Equatable, Sendable {
        /// Fewer than the eight bytes of the header length.
        case noHeaderLength(fileSize: Int)
        case headerLength(UInt64, available: Int)
        case headerNotJSON(String)
        case headerNotObject
        case metadataNotStrings
        case malformedEntry(tensor: String, String)
        case unknownElementType(tensor: String, String)
        case sizeMismatch(tensor: String, shape: [Int], elementType: Safetensors.ElementType, bytes: Int)
        case outOfBounds(tensor: String, end: Int, dataSize: Int)
        /// Data that overlaps the tensor before it or leaves a gap.
        case notContiguous(tensor: String, begin: Int, expected: Int)
        case trailingData(count: Int)
    }

    /// Path or name of the file, for the message.
    package let file: String
    /// Offset in the file.
    package let offset: Int
    package let reason: Reason

    package var description: String { "\(file), byte \(offset): \(finding)" }

    private var finding: String {
        switch reason {
        case .noHeaderLength(let size):
            "only \(size) bytes, a safetensors file has at least 8; was it fully copied?"
        case .headerLength(let length, let available):
            "a header of \(length) bytes where \(available) are left; not a safetensors file, or cut short: copy it again"
        case .headerNotJSON(let reason):
            "the header is not valid JSON (\(reason)); not a safetensors file, or damaged: copy it again"
        case .headerNotObject:
            "the header is not a JSON object; not a safetensors file, or damaged: copy it again"
        case .metadataNotStrings:
            "__metadata__ must map strings to strings; write the file again with a conforming program"
        case .malformedEntry(let tensor, let problem):
            "tensor \"\(tensor)\": \(problem); write the file again with a conforming program"
        case .unknownElementType(let tensor, let type):
            "tensor \"\(tensor)\" has the unknown element type \"\(type)\"; convert it to F32"
        case .sizeMismatch(let tensor, let shape, let type, let bytes):
            "tensor \"\(tensor)\": shape \(shape) of \(type.rawValue) does not fill its \(bytes) bytes; the file is damaged"
        case .outOfBounds(let tensor, let end, let size):
            "tensor \"\(tensor)\" ends at data byte \(end) of \(size); the file was cut short: copy it again"
        case .notContiguous(let tensor, let begin, let expected):
            "tensor \"\(tensor)\" begins at data byte \(begin) instead of \(expected); the file is damaged"
        case .trailingData(let count):
            "\(count) bytes belong to no tensor; the file is damaged"
        }
    }
}
