using SyncServer.Core;

namespace SyncServer.Http;

/// <summary>The headers that say which device writes, where in its history, and of which history of the database.</summary>
internal static class SyncHeaders
{
    public const string DeviceName = "Sync-Device";
    public const string NName = "Sync-N";
    public const string EpochName = "Sync-Epoch";

    /// <summary>The device; empty where the header is absent or empty, which stands for no device.</summary>
    public static Rejection? Device(IHeaderDictionary headers, out string device)
    {
        var values = headers[DeviceName];
        device = values.ToString();
        return values.Count > 1 || device.Length > Limits.DeviceLength || device.AsSpan().ContainsAnyExceptInRange(' ', '~')
            ? new Rejection(
                ErrorCode.InvalidRequest, $"{DeviceName} is one string of at most {Limits.DeviceLength} printable ASCII characters.")
            : null;
    }

    /// <summary>The device's counter; null where the header is absent.</summary>
    public static Rejection? N(IHeaderDictionary headers, out long? n)
    {
        n = null;
        if (!headers.TryGetValue(NName, out var values))
        {
            return null;
        }

        if (values.Count != 1 || !WholeNumber.TryParseSafe(values[0], out var parsed))
        {
            return new Rejection(ErrorCode.InvalidRequest, $"{NName} is one whole number from 0 to {Limits.MaxSafeInteger}.");
        }

        n = parsed;
        return null;
    }

    /// <summary>The epoch the client believes in; null where it has none. Two that differ are no epoch at all and match none.</summary>
    public static string? Epoch(IHeaderDictionary headers) => headers[EpochName].ToString() is { Length: > 0 } epoch ? epoch : null;
}
