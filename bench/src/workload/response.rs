//! What a response should not tell: errors of databases, stack traces, listings, source code.

use super::pack::Shape;

/// All rules.
pub(super) fn shapes() -> Vec<Shape> {
    SHAPES.iter().map(|(name, regex)| Shape::new(*name, *regex)).collect()
}

const SHAPES: [(&str, &str); 49] = [
    ("MySQL syntax error", "(?i)you have an error in your sql syntax"),
    (
        "MySQL server version hint",
        "(?i)check the manual that (?:corresponds to|fits) your (?:MySQL|MariaDB) server version",
    ),
    ("MySQL warning of PHP", r"(?i)Warning.{0,20}\bmysqli?_\w{3,30}\("),
    ("MySQL result", "(?i)supplied argument is not a valid MySQL.{0,40}result"),
    ("MySQL unknown column", "(?i)Unknown column '[^']{1,80}' in '(?:field list|where clause|order clause)'"),
    ("MySQL driver", r"com\.mysql\.(?:cj\.)?jdbc\.\w{3,40}"),
    ("MySQL access", "Access denied for user '[^']{1,80}'@'[^']{1,80}'"),
    ("PostgreSQL syntax error", "(?i)PostgreSQL.{1,20}ERROR"),
    ("PostgreSQL warning of PHP", r"(?i)Warning.{0,20}\bpg_\w{2,30}\("),
    ("PostgreSQL query", r"(?i)valid PostgreSQL result|pg_(?:query|exec)\(\) \["),
    ("PostgreSQL driver", r"org\.postgresql\.util\.PSQLException"),
    ("PostgreSQL unterminated", "(?i)ERROR:\\s{1,4}(?:unterminated quoted string|syntax error) at or near"),
    ("SQL Server driver", r"(?i)Driver.{0,30}SQL[ _-]?Server"),
    ("SQL Server provider", "(?i)OLE DB.{0,30}SQL Server"),
    ("SQL Server quotation", "(?i)Unclosed quotation mark (?:after|before) the character string"),
    ("SQL Server conversion", "(?i)Conversion failed when converting the (?:n?varchar|date|int) value"),
    ("SQL Server client", r"System\.Data\.SqlClient\.Sql\w{3,30}"),
    ("SQL Server warning of PHP", r"(?i)Warning.{0,20}\b(?:mssql|sqlsrv)_\w{3,30}\("),
    ("Oracle error number", r"\bORA-[0-9]{5}: "),
    ("Oracle error", "(?i)Oracle error|quoted string not properly terminated"),
    ("Oracle driver", "(?i)Oracle.{0,30}Driver"),
    ("Oracle warning of PHP", r"(?i)Warning.{0,20}\boci_\w{3,30}\("),
    ("DB2 error", r"(?i)CLI Driver.{0,40}DB2|DB2 SQL error|SQLCODE=-?[0-9]{2,5}"),
    (
        "SQLite exception",
        r"(?i)SQLite[/ ]?JDBCDriver|SQLite\.Exception|System\.Data\.SQLite\.SQLiteException",
    ),
    ("SQLite error", r"(?i)SQLITE_ERROR|sqlite3\.OperationalError:|unrecognized token: "),
    ("Sybase message", "(?i)Sybase message|Sybase.{0,20}Server message"),
    ("ODBC error", r"(?i)\[(?:ODBC|Microsoft)[^\]]{0,60}\]\[[^\]]{0,60}Driver"),
    ("SQL state", r"(?i)SQLSTATE\[[0-9A-Z]{5}\]"),
    ("Hibernate exception", r"org\.hibernate\.(?:\w{2,20}\.){0,3}\w{3,40}Exception"),
    (
        "Java stack trace",
        r"\bat (?:[a-z]\w{0,40}\.){2,8}[A-Z]\w{0,60}\.\w{1,60}\(\w{1,60}\.java:[0-9]{1,5}\)",
    ),
    ("Java exception", r"\bjava\.(?:lang|util|io|sql)\.\w{1,60}(?:Exception|Error)\b"),
    ("servlet exception", r"javax\.servlet\.ServletException|org\.apache\.jasper\.JasperException"),
    ("Python traceback", r"Traceback \(most recent call last\):\s{1,4}File "),
    ("PHP fatal error", r"(?i)<b>(?:Fatal|Parse) error</b>:.{1,200} in <b>"),
    (
        "PHP warning with path",
        r"(?i)(?:Warning|Notice): .{1,120} in (?:/[\w.-]{1,40}){2,10}\.php on line [0-9]{1,5}",
    ),
    ("PHP stack trace", r"PHP (?:Fatal error|Warning|Notice):\s{1,3}Uncaught"),
    ("Ruby error", r"ActionController::\w{3,40}|ActiveRecord::\w{3,40}(?:Error|Invalid|NotFound)"),
    ("Ruby trace", r"\w{1,40}\.rb:[0-9]{1,5}:in `\w{1,60}'"),
    ("ASP.NET error page", "(?i)Server Error in '[^']{0,60}' Application"),
    ("ASP.NET trace", r"\[\w{3,40}Exception(?: \(0x[0-9a-fA-F]{8}\))?:"),
    ("Node.js trace", r"\bat [\w.<>]{1,60} \((?:/[\w.@-]{1,40}){2,12}\.js:[0-9]{1,5}:[0-9]{1,5}\)"),
    ("Go panic", r"goroutine [0-9]{1,6} \[(?:running|select|IO wait)\]:"),
    ("Rust panic", r"thread '[\w:<>-]{1,40}' panicked at "),
    ("Apache listing", r"(?i)<title>Index of /[^<]{0,200}</title>"),
    ("listing of a parent", r#"(?i)<a href="[^"]{1,120}">(?:Parent Directory|\[To Parent Directory\])</a>"#),
    ("PHP source", r"<\?php\s.{0,80}(?:\$_(?:GET|POST|SERVER)|require|include|function)"),
    ("JSP source", r"<%@\s{0,3}page .{0,80}(?:import|language)="),
    ("passwd file", r"root:[^:\n]{0,20}:0:0:[^:\n]{0,40}:/[\w/]{0,30}:/[\w/]{3,30}"),
    ("environment file", r"(?:DB_PASSWORD|APP_KEY|SECRET_KEY|DATABASE_URL)=[^\s]{4,120}"),
];
