// Named tensors and string metadata: the content of a safetensors file (https://huggingface.co/docs/safetensors). The
// two directions are in SafetensorsEncoder.swift and SafetensorsDecoder.swift; files are read and written elsewhere.

/// The content of a safetensors file, in the order of its data.
package struct Safetensors: Equatable, Sendable {
    package var tensors: [Tensor]
    package var metadata: [String: String]

    /// Names must differ and none may be the format's own `__metadata__`.
    package init(tensors: [Tensor], metadata: [String: String] = [:]) {
        self.tensors = tensors
        self.metadata = metadata
    }

    /// The tensor with this name.
    package subscript(name: String) -> Tensor? { tensors.first { $0.name == name } }
}

extension Safetensors {
    /// The element types of the format. Those with a Swift counterpart are read by `Tensor.elements(as:)`; the others
    /// are carried as bytes.
    package enum ElementType: String, CaseIterable, Sendable {
        case bool = "BOOL"
        case u8 = "U8"
        case i8 = "I8"
        case f8e5m2 = "F8_E5M2"
        case f8e4m3 = "F8_E4M3"
        case i16 = "I16"
        case u16 = "U16"
        case f16 = "F16"
        case bf16 = "BF16"
        case i32 = "I32"
        case u32 = "U32"
        case f32 = "F32"
        case f64 = "F64"
        case i64 = "I64"
        case u64 = "U64"

        /// Bytes per element.
        package var width: Int {
            switch self {
            case .bool, .u8, .i8, .f8e5m2, .f8e4m3: 1
            case .i16, .u16, .f16, .bf16: 2
            case .i32, .u32, .f32: 4
            case .f64, .i64, .u64: 8
            }
        }
    }

    /// A Swift type that an element type is read as.
    package protocol Element: BitwiseCopyable {
        static var elementType: ElementType { get }
        init(littleEndianBytes bytes: UnsafeRawBufferPointer, at offset: Int)
    }

    /// One named, shaped, row-major array of little-endian elements.
    package struct Tensor: Equatable, Sendable {
        package let name: String
        package let elementType: ElementType
        /// Sizes of the dimensions, outermost first; empty for a scalar.
        package let shape: [Int]
        /// The elements as they stand in the file: little-endian, row-major.
        package let bytes: [UInt8]

        /// `bytes.count` must be the product of `shape` times the width of an element.
        package init(name: String, elementType: ElementType, shape: [Int], bytes: [UInt8]) {
            let size = Self.byteCount(shape: shape, elementType)
            precondition(size == bytes.count, "\(name): \(bytes.count) bytes for shape \(shape) of \(elementType)")
            self.name = name
            self.elementType = elementType
            self.shape = shape
            self.bytes = bytes
        }

        /// An F32 tensor; `floats.count` must be the product of `shape`.
        package init(name: String, shape: [Int], floats: UnsafeBufferPointer<Float>) {
            let bytes = [UInt8](unsafeUninitializedCapacity: floats.count * 4) { buffer, count in
                let raw = UnsafeMutableRawBufferPointer(buffer)
                for (index, value) in floats.enumerated() {
                    raw.storeBytes(of: value.bitPattern.littleEndian, toByteOffset: index * 4, as: UInt32.self)
                }
                count = floats.count * 4
            }
            self.init(name: name, elementType: .f32, shape: shape, bytes: bytes)
        }

        /// An F32 tensor; `floats.count` must be the product of `shape`.
        package init(name: String, shape: [Int], floats: [Float]) {
            self = floats.withUnsafeBufferPointer { Tensor(name: name, shape: shape, floats: $0) }
        }

        /// The elements, or nil when the tensor holds another type.
        package func elements<E: Element>(as type: E.Type = E.self) -> [E]? {
            guard elementType == E.elementType else { return nil }
            return bytes.withUnsafeBytes { raw in
                (0..<raw.count / E.elementType.width).map { E(littleEndianBytes: raw, at: $0 * E.elementType.width) }
            }
        }

        /// Product of the shape times the width of an element; nil when negative or too large for an `Int`.
        static func byteCount(shape: [Int], _ type: ElementType) -> Int? {
            var size = type.width
            for extent in shape {
                let (product, overflow) = size.multipliedReportingOverflow(by: extent)
                guard extent >= 0, !overflow else { return nil }
                size = product
            }
            return size
        }
    }
}

extension Float: Safetensors.Element {
    package static var elementType: Safetensors.ElementType { .f32 }
    package init(littleEndianBytes bytes: UnsafeRawBufferPointer, at offset: Int) {
        self.init(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }
}

extension Double: Safetensors.Element {
    package static var elementType: Safetensors.ElementType { .f64 }
    package init(littleEndianBytes bytes: UnsafeRawBufferPointer, at offset: Int) {
        self.init(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
}

extension Int32: Safetensors.Element {
    package static var elementType: Safetensors.ElementType { .i32 }
    package init(littleEndianBytes bytes: UnsafeRawBufferPointer, at offset: Int) {
        self.init(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self))
    }
}

extension UInt8: Safetensors.Element {
    package static var elementType: Safetensors.ElementType { .u8 }
    package init(littleEndianBytes bytes: UnsafeRawBufferPointer, at offset: Int) {
        self = bytes[offset]
    }
}
