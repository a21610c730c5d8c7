//! Every kind of refusal: its stable code, HTTP status, and title in both languages.

use actix_web::http::StatusCode;

use crate::lang::Lang;

/// A status by its name, or the number of one that only a protocol of its own has.
macro_rules! status {
    ($name:ident) => {
        StatusCode::$name
    };
    ($number:literal) => {
        StatusCode::from_u16($number).unwrap_or(StatusCode::BAD_REQUEST)
    };
}

macro_rules! codes {
    ($($variant:ident $code:literal $status:tt $zh:literal $en:literal;)+) => {
        /// A kind of refusal. The written code never changes its meaning; new ones may be added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $en] $variant,)+
        }

        impl Code {
            /// The code as clients see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The HTTP status of the answer.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => status!($status),)+ }
            }

            /// The title, the same for every problem of this kind.
            pub const fn title(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$variant, Lang::Zh) => $zh, (Self::$variant, Lang::En) => $en,)+
                }
            }
        }

        /// Every code, in the order of the table.
        pub const fn all_codes() -> &'static [Code] {
            &[$(Code::$variant),+]
        }
    };
}

codes! {
    BadRequest            "bad_request"             BAD_REQUEST "请求有误" "Bad request";
    InvalidBody           "invalid_body"            BAD_REQUEST "请求正文有误" "Invalid body";
    InvalidQuery          "invalid_query"           BAD_REQUEST "查询参数有误" "Invalid query parameter";
    InvalidPath           "invalid_path"            BAD_REQUEST "路径参数有误" "Invalid path parameter";
    InvalidHeader         "invalid_header"          BAD_REQUEST "请求头有误" "Invalid header";

    Unauthenticated       "unauthenticated"         UNAUTHORIZED "请先登录" "Sign in first";
    TokenInvalid          "token_invalid"           UNAUTHORIZED "登录凭证无效" "Invalid access token";
    TokenExpired          "token_expired"           UNAUTHORIZED "登录已过期" "Access token has expired";
    LoginFailed           "login_failed"            UNAUTHORIZED "用户名或密码不正确" "Wrong name or password";
    CodeWrong             "code_wrong"              UNAUTHORIZED "验证码不正确或已失效" "Wrong or expired code";
    SecondFactorRequired  "second_factor_required"  UNAUTHORIZED "请输入动态验证码" "Enter the code of the second factor";
    SecondFactorWrong     "second_factor_wrong"     UNAUTHORIZED "动态验证码不正确或已用过" "Wrong or used code of the second factor";
    RefreshTokenInvalid   "refresh_token_invalid"   UNAUTHORIZED "登录已失效，请重新登录" "The sign-in is over";
    PasswordChangeRequired "password_change_required" FORBIDDEN "请先设置新密码" "Choose a password of your own first";
    SecondFactorSetupRequired "second_factor_setup_required" FORBIDDEN "请先绑定动态验证码" "Set up a second factor first";
    ReportingRestricted   "reporting_restricted"    FORBIDDEN "您的上报功能已被限制" "Your reports are not taken for a while";
    Forbidden             "forbidden"               FORBIDDEN "没有权限" "Not permitted";

    NotFound              "not_found"               NOT_FOUND "没有这个地址" "No such address";
    TicketNotFound        "ticket_not_found"        NOT_FOUND "没有这个案卷" "No such ticket";
    ReportNotFound        "report_not_found"        NOT_FOUND "没有这条上报" "No such report";
    PhotoNotFound         "photo_not_found"         NOT_FOUND "没有这张照片" "No such photo";
    UploadNotFound        "upload_not_found"        NOT_FOUND "没有这个上传任务" "No such upload";
    UnitNotFound          "unit_not_found"          NOT_FOUND "没有这个单位" "No such unit";
    AccountNotFound       "account_not_found"       NOT_FOUND "没有这个账号" "No such account";
    DeviceNotFound        "device_not_found"        NOT_FOUND "没有这个登录设备" "No such device";
    ServiceKeyNotFound    "service_key_not_found"   NOT_FOUND "没有这个接口密钥" "No such service key";
    RestrictionNotFound   "restriction_not_found"   NOT_FOUND "没有这个限制" "No such restriction";
    CategoryNotFound      "category_not_found"      NOT_FOUND "没有这个事项分类" "No such category";
    SupervisionOrderNotFound "supervision_order_not_found" NOT_FOUND "没有这个督办单" "No such supervision order";
    ExposureNotFound      "exposure_not_found"      NOT_FOUND "没有这个曝光条目" "No such entry of the exposure board";
    MethodNotAllowed      "method_not_allowed"      METHOD_NOT_ALLOWED "不支持这种请求方法" "Method not allowed";
    NotAcceptable         "not_acceptable"          NOT_ACCEPTABLE "无法提供所要求的格式" "Not available in the accepted formats";

    StaleVersion          "stale_version"           CONFLICT "内容已被他人更新，请刷新后再试" "Changed by somebody else in the meantime";
    AlreadyClaimed        "already_claimed"         CONFLICT "已被他人认领" "Already claimed";
    NotAllowedInState     "not_allowed_in_state"    CONFLICT "当前状态下不能这样做" "Not allowed in the present state";
    UploadMissing         "upload_missing"          CONFLICT "尚未收到照片文件" "The photo has not been sent yet";
    UploadOffsetMismatch  "upload_offset_mismatch"  CONFLICT "上传位置不符，请从服务器的位置继续" "The upload is at another offset";
    SecondFactorExists    "second_factor_exists"    CONFLICT "已绑定动态验证码" "There is a second factor already";
    SecondFactorMissing   "second_factor_missing"   CONFLICT "尚未开始绑定动态验证码" "There is no second factor yet";
    LoginTaken            "login_taken"             CONFLICT "用户名已被使用" "The sign-in name is taken";
    PhotoInUse            "photo_in_use"            CONFLICT "照片已被使用" "The photo is in use";
    // Statuses as in the draft of the IETF for the header Idempotency-Key, section 2.7.
    IdempotencyInProgress "idempotency_in_progress" CONFLICT "相同的请求正在处理" "The same request is being handled";
    IdempotencyKeyReused  "idempotency_key_reused"  UNPROCESSABLE_ENTITY "幂等键已用于另一个请求" "Idempotency key was used for another request";

    TusVersionUnsupported "tus_version_unsupported" PRECONDITION_FAILED "不支持这个 tus 协议版本" "Unsupported version of the tus protocol";
    // A status of the tus protocol's own.
    UploadChecksumMismatch "upload_checksum_mismatch" 460 "这一段数据在传输中损坏，请重发" "The bytes are not those of the checksum";
    UploadExpired         "upload_expired"          GONE "上传任务已过期" "The upload has expired";
    BodyTooLarge          "body_too_large"          PAYLOAD_TOO_LARGE "请求正文过大" "Body too large";
    PhotoTooLarge         "photo_too_large"         PAYLOAD_TOO_LARGE "照片文件过大" "Photo file too large";
    VideoTooLarge         "video_too_large"         PAYLOAD_TOO_LARGE "视频文件过大" "Video file too large";
    AddressTooLong        "address_too_long"        URI_TOO_LONG "请求地址过长" "Address too long";
    UnsupportedMediaType  "unsupported_media_type"  UNSUPPORTED_MEDIA_TYPE "不支持这种内容类型" "Unsupported media type";
    PhotoConvertToJpeg    "photo_convert_to_jpeg"   UNSUPPORTED_MEDIA_TYPE "请将照片转换为 JPEG" "Convert the photo to JPEG";
    PhotoTypeUnsupported  "photo_type_unsupported"  UNSUPPORTED_MEDIA_TYPE "不支持这种照片格式" "Unsupported photo format";
    VideoCodecUnsupported "video_codec_unsupported" UNSUPPORTED_MEDIA_TYPE "不支持这种视频编码" "Unsupported video codec";

    RangeNotSatisfiable   "range_not_satisfiable"   RANGE_NOT_SATISFIABLE "请求的范围超出文件" "Beyond the end of the photo";
    UploadMismatch        "upload_mismatch"         UNPROCESSABLE_ENTITY "收到的照片与声明不符" "The photo is not the announced one";
    UploadTooManyParts    "upload_too_many_parts"   UNPROCESSABLE_ENTITY "分段过多，请用更大的分段重新上传" "Too many parts; start again with larger ones";
    PhotoEmpty            "photo_empty"             UNPROCESSABLE_ENTITY "照片是空文件" "The photo is empty";
    PhotoTruncated        "photo_truncated"         UNPROCESSABLE_ENTITY "照片不完整，请重新上传" "The photo is cut short";
    PhotoDamaged          "photo_damaged"           UNPROCESSABLE_ENTITY "照片已损坏" "The photo is damaged";
    PhotoTooManyPixels    "photo_too_many_pixels"   UNPROCESSABLE_ENTITY "照片像素过多" "The photo has too many pixels";
    PhotoTooManyScans     "photo_too_many_scans"    UNPROCESSABLE_ENTITY "照片编码过于复杂" "The photo has too many scans";
    VideoTruncated        "video_truncated"         UNPROCESSABLE_ENTITY "视频不完整，请重新上传" "The video is cut short";
    VideoDamaged          "video_damaged"           UNPROCESSABLE_ENTITY "视频已损坏" "The video is damaged";
    VideoFragmented       "video_fragmented"        UNPROCESSABLE_ENTITY "不支持分段的视频" "The video is in fragments";
    VideoEncrypted        "video_encrypted"         UNPROCESSABLE_ENTITY "不支持加密的视频" "The video is encrypted";
    VideoTooLong          "video_too_long"          UNPROCESSABLE_ENTITY "视频过长" "The video is too long";
    VideoTooManyPixels    "video_too_many_pixels"   UNPROCESSABLE_ENTITY "视频分辨率过高" "The video has too many pixels";
    UnknownDatum          "unknown_datum"           UNPROCESSABLE_ENTITY "坐标系不明，请注明 wgs84、gcj02 或 bd09" "Unknown datum; state wgs84, gcj02 or bd09";
    BadCoordinate         "bad_coordinate"          UNPROCESSABLE_ENTITY "坐标有误" "Bad coordinate";
    OutsideDistrict       "outside_district"        UNPROCESSABLE_ENTITY "位置不在本区范围内" "Outside the district";
    PasswordRefused       "password_refused"        UNPROCESSABLE_ENTITY "密码不符合要求" "The password may not be chosen";
    RefusedByRule         "refused_by_rule"         UNPROCESSABLE_ENTITY "不符合规定" "Refused by a rule";
    ImportWrongLines      "import_wrong_lines"      UNPROCESSABLE_ENTITY "导入文件中有错误的行" "The import has wrong lines";
    VersionRequired       "version_required"        PRECONDITION_REQUIRED "请提供版本号（If-Match 或 version）" "State the version (If-Match or version)";
    TooManyRequests       "too_many_requests"       TOO_MANY_REQUESTS "请求过于频繁，请稍后再试" "Too many requests";

    Internal              "internal"                INTERNAL_SERVER_ERROR "服务器内部错误" "Internal error";
    Unavailable           "unavailable"             SERVICE_UNAVAILABLE "服务暂不可用，请稍后再试" "Not available at present";
    StorageFull           "storage_full"            SERVICE_UNAVAILABLE "服务器存储空间已满，请稍后再试" "The server is out of storage space";
}

impl Code {
    /// The code that clients see as this word.
    pub fn named(word: &str) -> Option<Self> {
        all_codes().iter().copied().find(|code| code.as_str() == word)
    }

    /// The general code of a status, for an error that this server did not phrase itself; `None` if it has none.
    pub fn of_status(status: StatusCode) -> Option<Self> {
        Some(match status {
            StatusCode::BAD_REQUEST => Self::BadRequest,
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::NOT_ACCEPTABLE => Self::NotAcceptable,
            StatusCode::PAYLOAD_TOO_LARGE => Self::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::RANGE_NOT_SATISFIABLE => Self::RangeNotSatisfiable,
            StatusCode::TOO_MANY_REQUESTS => Self::TooManyRequests,
            StatusCode::INTERNAL_SERVER_ERROR => Self::Internal,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            _ => return None,
        })
    }
}
