"""What the worlds answer, word for word as in upstream, by language: observations are compared character by character.

Source: ``model_inference/multi_turn/scenarios{en,zh}`` (ACEBench/ACEBench, e6db74b735ead22c24f27367606a9408573b848f).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "zh"]

LANGUAGES: tuple[Language, ...] = ("en", "zh")

_EN: Mapping[str, str] = {
    # BaseApi
    "wifi_on": "Wi-Fi has been turned on",
    "logged_in": "Device has been logged in",
    # MessageApi
    "send_logged_out": "Device not logged in, unable to send message",
    "send_no_wifi": "Wi-Fi is turned off, cannot send messages at this time",
    "send_full": "Inbox capacity is full. You need to ask the user which message to delete.",
    "send_nobody": "Sender or receiver does not exist",
    "sent": "Message successfully sent to {receiver}.",
    "delete_logged_out": "Device not logged in, unable to delete message",
    "delete_unknown": "Message ID does not exist",
    "deleted": "Message ID {id} has been successfully deleted.",
    "view_logged_out": "Device not logged in, unable to view message information",
    "no_sender": "Sender does not exist",
    "no_receiver": "Receiver does not exist",
    "no_messages_between": "No related message records found",
    "no_user": "User does not exist",
    "no_messages_with": "No messages found containing the keyword",
    "times_logged_out": (
        "Device not logged in, unable to retrieve all message times and their corresponding message IDs."
    ),
    "latest_logged_out": "Device not logged in, unable to retrieve the latest sent message ID.",
    "earliest_logged_out": "Device not logged in, unable to retrieve the earliest sent message ID.",
    "no_messages": "No message records found",
    "latest": "The latest message ID is {id}",
    "earliest": "The earliest message ID is {id}",
    # ReminderApi
    "reminder_logged_out": "The device is not logged in, so you cannot view notifications",
    "no_reminder": "No reminder found with the title '{title}'.",
    "add_logged_out": "Device not logged in. Unable to add a new reminder.",
    "add_full": "Reminder capacity is full. Unable to add a new reminder.",
    "added": "Reminder '{title}' was successfully added.",
    "drop_logged_out": "Device not logged in. Unable to delete the specified reminder.",
    "drop_unknown": "Reminder ID does not exist.",
    "dropped": "Reminder ID {id} was successfully deleted.",
    "no_reminders": "No reminders found.",
    # FoodPlatform
    "food_no_wifi": "Wi-Fi is not enabled, unable to login",
    "food_no_user": "User does not exist",
    "food_password": "Incorrect password",
    "food_again": "{user} is already logged in",
    "food_logged_in": "User {user} has successfully logged in!",
    "food_nobody": "No users are currently logged in to the food platform",
    "order_logged_out": "User {user} is not logged in to the food platform",
    "order_no_merchant": "Merchant does not exist",
    "order_quantity": "Invalid quantity {quantity} for product {product}",
    "order_no_product": "Product {product} does not exist in {merchant}'s menu",
    "order_balance": "Insufficient balance to place the order",
    "ordered": "Food delivery order successfully placed with {merchant}. Total amount: {total} yuan",
    "no_merchant": "Merchant '{merchant}' does not exist",
    "no_orders": "User has no order records",
    "no_orders_with": "No matching orders found",
    # Travel
    "economy": "Economy Class",
    "business": "Business Class",
    "no_flights": "There are no direct flights that meet the criteria.",
    "bad_login": "Incorrect username or password.",
    "no_reservation_key": "Please provide a valid reservation ID or user ID",
    "no_transfer": "No connecting flights that meet the criteria were found.",
    "bad_payment": "Invalid payment method",
    "cash_balance": "Your cash balance is insufficient. Please consider using another payment method.",
    "bank_balance": "Your bank balance is insufficient. Please consider using another payment method.",
    "booked": "Booking successful. Reservation ID: {id}. Total cost: {cost} yuan (including baggage fees).",
    "modify_unknown": "Reservation not found or user ID does not match.",
    "modify_no_flight": "Flight information not found.",
    "modify_bad_flight": "Flight change failed: Invalid new flight number or destination does not match.",
    "flight_changed": "Flight number has been changed.",
    "cabin_paid": "Cabin change successful. Price difference paid: {difference}.",
    "cabin_refunded": "Cabin change successful. Price difference refunded: {difference}.",
    "cabin_balance": "Insufficient balance to pay the cabin price difference.",
    "bags_paid": "Baggage has been added. Additional fee to be paid: {cost}.",
    "bags_balance": "Insufficient balance to pay the additional baggage fees.",
    "modified": "Modification completed with no additional fees.",
    "cancel_no_user": "Invalid user ID.",
    "cancel_unknown": "Invalid reservation ID or it does not belong to the user.",
    "cancel_no_flight": "Invalid flight information.",
    "cancel_flown": "The flight segment has been used and cannot be canceled.",
    "airline_cancelled": "The airline has canceled the flight.",
    "cancel_by_airline": (
        "The flight has been canceled. Your reservation will be canceled free of charge, and {refund} yuan has been "
        "refunded."
    ),
    "cancel_free": "More than 24 hours before departure. Free cancellation successful, {refund} yuan has been refunded.",
    "cancel_fee": (
        "Less than 24 hours before departure. A cancellation fee of {fee} yuan has been deducted, and {refund} yuan has "
        "been refunded."
    ),
}

_ZH: Mapping[str, str] = {
    # BaseApi
    "wifi_on": "wifi已经打开",
    "logged_in": "设备已经登录",
    # MessageApi
    "send_logged_out": "device未登录，无法发送短信",
    "send_no_wifi": "wifi关闭，此时不能发送信息",
    "send_full": "内存容量不够了，你需要询问user删除哪一条短信。",
    "send_nobody": "发送者或接收者不存在",
    "sent": "短信成功发送给{receiver}。",
    "delete_logged_out": "device未登录，无法删除短信",
    "delete_unknown": "短信ID不存在",
    "deleted": "短信ID {id} 已成功删除。",
    "view_logged_out": "device未登录，无法查看短信信息",
    "no_sender": "发送者不存在",
    "no_receiver": "接收者不存在",
    "no_messages_between": "没有找到相关的短信记录",
    "no_user": "用户不存在",
    "no_messages_with": "没有找到包含关键词的短信",
    "times_logged_out": "device未登录，获取所有短信的时间以及对应的短信编号。",
    "latest_logged_out": "device未登录，无法获取最新发送的短信ID。",
    "earliest_logged_out": "device未登录，无法获取最早发送的短信ID",
    "no_messages": "短信记录为空",
    "latest": "最新的短信ID是 {id}",
    "earliest": "最早的短信ID是 {id}",
    # ReminderApi
    "reminder_logged_out": "device未登录，无法查看提醒",
    "no_reminder": "没有找到标题为 '{title}' 的提醒",
    "add_logged_out": "device未登录，无法添加一个新的提醒",
    "add_full": "提醒容量已满，无法添加新的提醒",
    "added": "提醒 '{title}' 已成功添加",
    "drop_logged_out": "device未登录，无法删除指定的提醒",
    "drop_unknown": "提醒ID不存在",
    "dropped": "提醒ID {id} 已成功删除",
    "no_reminders": "没有任何提醒",
    "notified": "提醒ID {id} 已标记为已通知",
    "no_reminders_with": "没有找到包含该关键词的提醒",
    # FoodPlatform
    "food_no_wifi": "wifi未打开，无法登录",
    "food_no_user": "用户不存在",
    "food_password": "密码错误",
    "food_again": "{user} 已经登录",
    "food_logged_in": "用户{user}登陆成功！",
    "food_nobody": "当前没有登录food platform",
    "order_logged_out": "用户 {user} 未登录food platform",
    "order_no_merchant": "商家不存在",
    "order_quantity": "无效的数量 {quantity} 对于商品 {product}",
    "order_no_product": "商品 {product} 不存在于 {merchant} 的菜单中",
    "order_balance": "余额不足，无法下单",
    "ordered": "外卖订单成功下单给 {merchant}，总金额为 {total} 元",
    "no_merchant": "商家 '{merchant}' 不存在",
    "no_orders": "用户没有订单记录",
    "no_orders_with": "没有找到匹配的订单",
    # Travel
    "economy": "经济舱",
    "business": "商务舱",
    "no_flights": "没有符合条件的直达航班",
    "bad_login": "用户名或密码不正确",
    "no_reservation_key": "请提供有效的预订ID或用户ID",
    "no_transfer": "未找到符合条件的中转航班。",
    "bad_payment": "支付方式无效",
    "cash_balance": "cash余额不足，请考虑换一种支付方式",
    "bank_balance": "bank余额不足，请考虑换一种支付方式",
    "booked": "预订成功，预订号：{id}，总费用：{cost}元（包含行李费用）。",
    "modify_unknown": "预订未找到或用户ID不匹配。",
    "modify_no_flight": "航班信息未找到。",
    "modify_bad_flight": "航班更改失败：新的航班号无效或目的地不匹配。",
    "flight_changed": "航班号已更改。",
    "cabin_paid": "舱位更改成功。已支付差价: {difference}。",
    "cabin_refunded": "舱位更改成功。已退款差价: {difference}。",
    "cabin_balance": "余额不足，无法支付舱位差价。",
    "bags_paid": "行李已增加。需支付额外费用: {cost}。",
    "bags_balance": "余额不足，无法支付额外行李费用。",
    "modified": "修改完成，无需额外费用。",
    "cancel_no_user": "用户ID无效。",
    "cancel_unknown": "预订ID无效或与该用户无关。",
    "cancel_no_flight": "航班信息无效。",
    "cancel_flown": "航段已使用，无法取消。",
    "airline_cancelled": "航空公司取消航班",
    "cancel_by_airline": "航班已取消，您的预订将被免费取消，已退款{refund}元。",
    "cancel_free": "距离出发时间超过24小时，免费取消成功，已退款{refund}元。",
    "cancel_fee": "距离出发时间不足24小时，已扣除取消费{fee}元，退款{refund}元。",
}

REPLIES: Mapping[Language, Mapping[str, str]] = {"en": _EN, "zh": _ZH}
"""The texts of each language, by what they say."""
