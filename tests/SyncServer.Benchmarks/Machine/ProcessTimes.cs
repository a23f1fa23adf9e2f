using System.Globalization;

namespace SyncServer.Benchmarks.Machine;

/// <summary>
/// CPU seconds as Linux counts them, in hundredths of a second. Elsewhere there is no <c>/proc</c> and everything is NaN, which
/// the report shows as a dash.
/// </summary>
internal static class ProcessTimes
{
    private const double TicksPerSecond = 100;

    /// <summary>Of one process, its threads included.</summary>
    public static double Of(int pid) => Read(pid) is { } times ? times.Own : double.NaN;

    /// <summary>Of the processes that the process has started and that have ended since.</summary>
    public static double OfEnded(int pid) => Read(pid) is { } times ? times.Ended : double.NaN;

    /// <summary>Of a process and everything it has started, whether it still runs or not: a postmaster and its backends.</summary>
    public static double OfFamily(int pid)
    {
        while (Read(pid) is { } parent)
        {
            var children = Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
                .Where(name => int.TryParse(name, out _))
                .Select(name => Read(int.Parse(name!)))
                .OfType<Times>()
                .Where(times => times.Parent == pid)
                .Sum(child => child.Own + child.Ended);
            // A child that ended meanwhile stands in neither sum, or in both: then everything is read again.
            if (Read(pid) is { } still && still.Ended == parent.Ended)
            {
                return parent.Own + parent.Ended + children;
            }
        }

        return double.NaN;
    }

    /// <summary>The process that started this one.</summary>
    public static int ParentOf(int pid) => Read(pid)?.Parent ?? 0;

    /// <summary>Bytes in memory.</summary>
    public static long MemoryOf(int pid) => File.Exists($"/proc/{pid}/statm")
        ? long.Parse(File.ReadAllText($"/proc/{pid}/statm").Split(' ')[1]) * Environment.SystemPageSize
        : 0;

    private static Times? Read(int pid)
    {
        string stat;
        try
        {
            stat = File.ReadAllText($"/proc/{pid}/stat");
        }
        catch (IOException)
        {
            // It has ended, or this is no Linux.
            return null;
        }

        // The second field is the name in brackets, which may hold spaces; proc(5) counts from 1.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        double Ticks(int field) => long.Parse(fields[field - 3], CultureInfo.InvariantCulture) / TicksPerSecond;
        return new Times(int.Parse(fields[1], CultureInfo.InvariantCulture), Ticks(14) + Ticks(15), Ticks(16) + Ticks(17));
    }

    private readonly record struct Times(int Parent, double Own, double Ended);
}
